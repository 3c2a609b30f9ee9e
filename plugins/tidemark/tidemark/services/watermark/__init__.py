"""How far each table has come, and setting it by hand."""

"""Show how far each table has progressed, and set it by hand."""

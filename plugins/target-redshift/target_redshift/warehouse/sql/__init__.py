"""The SQL of a load, as pure functions that quote what they are given."""

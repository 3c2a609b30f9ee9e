"""External schemas and tables: their statements."""

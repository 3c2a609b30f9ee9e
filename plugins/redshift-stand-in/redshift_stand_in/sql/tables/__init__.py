"""CREATE and ALTER of tables and views, for PostgreSQL and for the catalogue. Pure."""

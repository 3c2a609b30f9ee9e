"""Redshift's statements in PostgreSQL's words. Pure."""

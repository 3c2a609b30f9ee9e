"""PostgreSQL behind the front."""

"""The extraction of tables that are read from the server's log."""

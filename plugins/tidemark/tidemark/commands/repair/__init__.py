"""Repairs of bookmarks, of deleted rows, and of tables whose source became another table."""

"""What is put right: bookmarks, rows that are gone, tables that are another now."""

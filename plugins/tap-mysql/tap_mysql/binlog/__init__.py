"""Tables that are read from the binary log: their bookmarks, and how the log is read."""

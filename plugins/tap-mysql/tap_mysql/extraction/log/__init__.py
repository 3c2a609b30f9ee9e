"""Tables that are read by the server's log."""

"""Tables that are read by the server's binary log: what of it was read, and how it is read."""

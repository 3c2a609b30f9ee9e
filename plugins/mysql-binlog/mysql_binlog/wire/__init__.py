"""The connection to the server: start position, dump commands, packets."""

"""The way to the server: where to begin, the dump commands, packets."""

"""Values of replication keys. Pure."""

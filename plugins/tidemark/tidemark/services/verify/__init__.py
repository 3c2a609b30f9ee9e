"""Whether all stages hold the same rows."""

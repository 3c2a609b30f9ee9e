"""Whether each row has the same values in MySQL and in its copy."""

"""The legs, run for the tables that an operator names."""

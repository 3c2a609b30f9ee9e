"""The nightly jobs, for the tables that an operator names."""

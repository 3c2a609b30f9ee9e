"""Precision and scale of the decimals that a query computes."""

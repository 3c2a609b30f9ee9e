"""Comparison of rows in MySQL with rows in the warehouse."""

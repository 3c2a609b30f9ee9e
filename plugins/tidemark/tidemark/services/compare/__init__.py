"""Rows in MySQL held against rows in the warehouse."""

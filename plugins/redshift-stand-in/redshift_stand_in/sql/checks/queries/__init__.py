"""Checks for what a query must not contain: recursion, subqueries, windows. Pure."""

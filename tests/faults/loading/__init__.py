"""Loads that are stopped in their middle."""

"""Runs of the whole pipeline, and all that may happen to them."""

"""Checks for what a statement must not contain, one module per kind. Pure."""

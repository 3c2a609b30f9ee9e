"""Converts files to what COPY reads."""

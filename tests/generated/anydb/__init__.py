"""Databases that nobody chose, led through the whole pipeline and compared value by value."""

"""Restores tables: from the lake to a file, to MySQL, or to landing."""

"""A table's contract: its names, its text, how it follows the source."""

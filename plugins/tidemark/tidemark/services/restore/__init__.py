"""A table made anew: from the lake, in MySQL, or in landing."""

"""Settlement data: six tables, made up, the same for the same seed."""

"""A recording of a server's answers, and how two of them differ. Pure, but for reading files."""

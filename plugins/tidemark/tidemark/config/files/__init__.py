"""The project's files: where they are, and changes that leave the rest of them as it is."""

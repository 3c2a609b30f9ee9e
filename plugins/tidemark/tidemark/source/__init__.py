"""MySQL as the commands ask it."""

"""This machine: its processes, and its files that others could touch."""

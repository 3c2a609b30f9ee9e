"""This machine: its processes, and files that other users could modify."""

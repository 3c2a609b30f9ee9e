"""Backup, load and build again and again, as changes come."""

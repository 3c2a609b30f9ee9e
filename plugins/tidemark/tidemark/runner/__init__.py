"""Meltano as a child, and the lease of the job that it does."""

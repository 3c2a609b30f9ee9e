"""Programs that are imported once, by a process that forks itself for each of their commands."""

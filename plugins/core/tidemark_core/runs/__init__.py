"""The output of a run: its report, its progress, and its failed tables."""

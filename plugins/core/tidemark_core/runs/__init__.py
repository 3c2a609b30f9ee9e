"""What a run tells: its report, its progress, and the tables that failed in it."""

"""The contents of a log: its transactions, their positions, and the rows they change."""

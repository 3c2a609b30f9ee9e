"""What a log says: its transactions, where they are, which rows of which tables they change."""

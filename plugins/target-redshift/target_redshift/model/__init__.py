"""The landing table: its columns, its keys, and how they may change. Pure."""

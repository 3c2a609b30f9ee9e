"""Which tables are copied, and how: what `tidemark add`, `remove` and `tables` do."""

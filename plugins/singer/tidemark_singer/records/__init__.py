"""RECORD messages: their values, and batches of them in Arrow."""

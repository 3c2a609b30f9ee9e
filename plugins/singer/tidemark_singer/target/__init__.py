"""What targets share: streams that fail alone, full copies, the messages as they are read."""

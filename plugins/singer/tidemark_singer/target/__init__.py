"""Code that targets share: streams that fail alone, full copies, reading of messages."""

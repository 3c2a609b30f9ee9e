"""SQL text. Pure."""

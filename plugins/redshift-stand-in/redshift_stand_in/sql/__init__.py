"""SQL text: reading it, refusing it, rewriting it. Pure functions only."""

"""What is done with a statement: relayed, rewritten, or run by the front."""

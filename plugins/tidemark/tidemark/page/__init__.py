"""The page that `tidemark report` writes."""

"""Files that BATCH messages name: what is told of them, and how they are opened."""

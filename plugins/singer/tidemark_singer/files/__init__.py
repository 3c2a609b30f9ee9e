"""Files that BATCH messages name: the facts about them, and how they are opened."""

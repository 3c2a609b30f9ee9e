"""What a run reads of a table: decided from the bookmark and what the source says."""

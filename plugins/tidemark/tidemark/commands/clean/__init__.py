"""What is removed from the lake."""

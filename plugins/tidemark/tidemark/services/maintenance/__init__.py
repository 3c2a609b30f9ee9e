"""What is removed, and what keeps the warehouse's tables fast."""

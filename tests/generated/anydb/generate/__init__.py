"""What is generated: databases, their tables and values, and what changes in them."""

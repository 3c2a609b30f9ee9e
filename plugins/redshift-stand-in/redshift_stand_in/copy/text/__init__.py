"""CSV and delimited text: blocks, records and fields."""

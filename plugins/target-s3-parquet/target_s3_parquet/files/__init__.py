"""A stream's rows and files in the types of the lake."""

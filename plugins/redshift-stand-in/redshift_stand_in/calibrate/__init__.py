"""A real cluster's answers to the corpus: recorded, and held against the stand-in's."""

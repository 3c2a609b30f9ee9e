"""The extraction of a table, and the run over several of them."""

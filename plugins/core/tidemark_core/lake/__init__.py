"""The lake's grammar: its keys and its manifests. Pure."""

"""Tables that must stop themselves alone."""

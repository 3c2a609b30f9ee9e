"""Row events: how tables, rows and the values of keys are laid out."""

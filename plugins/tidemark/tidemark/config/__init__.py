"""The project that a command works on, and its settings."""

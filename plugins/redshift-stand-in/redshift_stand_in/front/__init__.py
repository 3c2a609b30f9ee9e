"""What clients connect to: listeners, sessions, and the loop of a session."""

"""Text output: secrets masked, printable characters only, one timestamp format."""

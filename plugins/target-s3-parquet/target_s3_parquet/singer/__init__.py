"""The Singer target and its sinks."""

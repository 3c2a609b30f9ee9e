"""The events of a log: what each type is, and the small ones read."""

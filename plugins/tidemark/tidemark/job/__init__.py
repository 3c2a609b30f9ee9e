"""Unattended runs: what stands between a timer and ``meltano run``."""

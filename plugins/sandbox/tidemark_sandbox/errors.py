"""Errors that the sandbox shows its user when it cannot continue."""

from __future__ import annotations

from tidemark_core.errors import ConfigError, TidemarkError

#: The command that solves most of the errors below.
UP = "tidemark-sandbox up"


class SandboxError(TidemarkError):
    """A part of the sandbox does not start, answer or stop."""


class MissingPackagesError(ConfigError):
    """A program that a part is made of is not installed."""


class PortTakenError(ConfigError):
    """Another process listens on a port of the block."""

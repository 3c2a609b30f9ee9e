"""What the sandbox tells its user when it cannot go on."""

from __future__ import annotations

from tidemark_core.errors import ConfigError, TidemarkError

#: The command that helps against most of what follows.
UP = "tidemark-sandbox up"


class SandboxError(TidemarkError):
    """A part of the sandbox does not start, answer or stop."""


class MissingPackagesError(ConfigError):
    """A program that a part is made of is not installed."""


class PortTakenError(ConfigError):
    """Somebody else listens on a port of the block."""

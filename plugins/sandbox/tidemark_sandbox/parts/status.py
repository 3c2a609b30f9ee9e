"""How a part is."""

from __future__ import annotations

from dataclasses import dataclass

from tidemark_sandbox.parts.base import Part


@dataclass(frozen=True)
class PartStatus:
    """How one part is.

    Attributes:
        problem: Why it is not well, None when it is.
    """

    part: str
    address: str
    pid: int | None
    healthy: bool
    version: str | None
    problem: str | None


def ask(part: Part) -> PartStatus:
    """Looks for a part's process, and lets it answer."""
    process = part.daemon.find()
    version, problem = part.look()
    return PartStatus(
        part=part.name,
        address=part.address,
        pid=process.pid if process else None,
        healthy=problem is None,
        version=version,
        problem=problem,
    )

"""The status of a part."""

from __future__ import annotations

from dataclasses import dataclass

from tidemark_sandbox.parts.base import Part


@dataclass(frozen=True)
class PartStatus:
    """The status of one part.

    Attributes:
        problem: Why it is not healthy, None when it is.
    """

    part: str
    address: str
    pid: int | None
    healthy: bool
    version: str | None
    problem: str | None


def ask(part: Part) -> PartStatus:
    """Finds a part's process, and probes the part."""
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

"""Timestamps as written in manifests, bookmarks, leases and run reports."""

from __future__ import annotations

from datetime import UTC, datetime

_SECOND = "%Y-%m-%dT%H:%M:%SZ"


def to_second(moment: datetime) -> str:
    """Writes a moment in UTC, to the second: ``2025-08-03T04:05:06Z``."""
    return moment.astimezone(UTC).strftime(_SECOND)


def from_second(text: str) -> datetime:
    """Reads what `to_second` writes.

    Raises:
        ValueError: It is something else.
    """
    return datetime.strptime(text, _SECOND).replace(tzinfo=UTC)

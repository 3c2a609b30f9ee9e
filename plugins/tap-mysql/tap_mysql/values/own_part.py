"""What every bookmark of ours says of itself, under a name of its own in the Singer state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemark_core.names import TableName

OWN = "tidemark"
VERSION = 1


def signed(table: TableName) -> dict[str, Any]:
    """What a new one begins with."""
    return {"version": VERSION, "table": str(table)}


def mismatch(own: Mapping[str, Any], table: TableName) -> str | None:
    """Why it is not one of the table, as an error says it; None: it is."""
    if own.get("version") != VERSION:
        return f"has version {own.get('version')!r}; this tap reads {VERSION}"
    if own.get("table") != str(table):
        return f"belongs to table {own.get('table')}"
    return None

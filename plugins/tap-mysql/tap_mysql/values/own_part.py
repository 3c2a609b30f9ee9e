"""The metadata of our bookmarks, under a separate key in the Singer state."""

from __future__ import annotations

from tidemark_core.names import TableName
from tidemark_core.text.documents import Json

OWN = "tidemark"
VERSION = 1


def signed(table: TableName) -> dict[str, object]:
    """The fields that a new bookmark's metadata begins with."""
    return {"version": VERSION, "table": str(table)}


def mismatch(own: Json, table: TableName) -> str | None:
    """Why the metadata is not the table's, worded for an error; None if it is."""
    if own.get("version") != VERSION:
        return f"has version {own.get('version')!r}; this tap reads {VERSION}"
    if own.get("table") != str(table):
        return f"belongs to table {own.get('table')}"
    return None

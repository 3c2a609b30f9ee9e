"""The bookmarks of tables that are read from the server's log, as the tap writes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from mysql_binlog import Position
from tap_mysql.binlog.bookmark import LogBookmark, LogIdentity
from tap_mysql.values.own_part import OWN
from tidemark_core.errors import TidemarkError
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json


def log_bookmark(table: TableName, mark: Json) -> tuple[LogBookmark, tuple[str, ...]] | None:
    """The bookmark of a table that is read from the log, and its key's columns; None if none.

    Raises:
        StateError: It is damaged.
    """
    own = mark.get(OWN)
    key = own.get("key") if isinstance(own, Mapping) else None
    if not isinstance(key, list):
        return None
    identity = LogIdentity(table, tuple(map(str, key)))
    bookmark = identity.read(mark)
    return None if bookmark is None else (bookmark, identity.key)


def log_positions(marks: Mapping[str, Json]) -> dict[TableName, Position]:
    """The log position of each table that is read from it; unreadable bookmarks are left out."""
    found = {}
    for stream, mark in marks.items():
        table = TableName.from_stream(stream)
        try:
            known = log_bookmark(table, mark)
        except TidemarkError:
            continue
        if known is not None:
            found[table] = known[0].position
    return found

"""A single read of the log for tables with bookmarks at different positions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mysql_binlog import Position
from tidemark_core.names import TableName


@dataclass(frozen=True)
class Segment:
    """A part of the log that is read in one go.

    Attributes:
        since: Where it begins.
        until: Where it ends.
        tables: Whose changes in it are wanted.
    """

    since: Position
    until: Position
    tables: frozenset[TableName]


def segments(bookmarks: Mapping[TableName, Position], until: Position) -> list[Segment]:
    """Cuts the log at the bookmarks, so that each part of it is read once.

    A bookmark of another server, or beyond the log's end, has no place in the order: its table is
    read separately, and the log's reader decides whether that is possible.

    Args:
        bookmarks: Where each table stands.
        until: Where the log ends.
    """
    found: list[Segment] = []
    in_order: dict[tuple[int, int], tuple[Position, set[TableName]]] = {}
    for table, position in sorted(bookmarks.items()):
        if position.server == until.server and position.order <= until.order:
            in_order.setdefault(position.order, (position, set()))[1].add(table)
        else:
            found.append(Segment(position, until, frozenset([table])))
    wanted: set[TableName] = set()
    starts = [in_order[order] for order in sorted(in_order)]
    ends = [*(position for position, _ in starts[1:]), until]
    for (position, tables), end in zip(starts, ends, strict=False):
        wanted |= tables
        found.append(Segment(position, end, frozenset(wanted)))
    return found

"""What to do if the source's columns differ from the landing table's. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tidemark_core.errors import WarehouseError
from tidemark_core.names import METADATA_COLUMNS, TableName
from tidemark_core.types.super_columns import SUPER

from target_redshift.model.landing_table import LandingTable

_SYNONYMS = {
    "CHARACTER VARYING": "VARCHAR",
    "CHARACTER": "CHAR",
    "BPCHAR": "CHAR",
    "BINARY VARYING": "VARBYTE",
    "DECIMAL": "NUMERIC",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "INT2": "SMALLINT",
    "INT4": "INTEGER",
    "INT8": "BIGINT",
    "FLOAT4": "REAL",
    "FLOAT8": "DOUBLE PRECISION",
    "BOOL": "BOOLEAN",
}
_TYPE = re.compile(r"(?P<name>[A-Z0-9 ]+?)\s*(?:\((?P<arguments>[\d, ]+)\))?(?P<rest> [A-Z ]+)?")
_COMMENT = re.compile(
    r'Copied by Tidemark from (?P<source>"(?:[^"\\]|\\.)*"), key (?P<key>\[.*\])\.'
)


def normalise(kind: str) -> str:
    """A Redshift type as `tidemark_core.types.column_type.to_redshift` writes it."""
    match = _TYPE.fullmatch(kind.strip().upper())
    if not match:
        return kind.strip().upper()
    name = match["name"].strip() + (match["rest"] or "")
    arguments = (match["arguments"] or "").replace(" ", "")
    name = _SYNONYMS.get(name, name)
    return f"{name}({arguments})" if arguments else name


@dataclass(frozen=True)
class Drift:
    """How the landing table must change before a load.

    Attributes:
        add: Columns to add, with their types.
        widen: VARCHAR columns to widen, with their new types.
        dropped: Columns that the source no longer has; they stay and are NULL from now on.
        widths: Bytes of the table's VARCHAR columns, after the change.
    """

    add: tuple[tuple[str, str], ...]
    widen: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...]
    widths: dict[str, int]


def compare(landing: LandingTable, existing: Sequence[tuple[str, str]]) -> Drift:
    """Compares a landing table with what the source has now.

    Args:
        landing: The table as the source's schema asks for it.
        existing: Name and type of the columns that it has.

    Raises:
        WarehouseError: A column's type changed in a way that would lose or alter values.
    """
    have = {name: normalise(kind) for name, kind in existing}
    add, widen = [], []
    widths = {name: size for name, kind in have.items() if (size := _varchar(kind)) is not None}
    for name, kind in landing.definitions:
        if name not in have:
            add.append((name, kind))
        elif have[name] != kind:
            old, new = _varchar(have[name]), _varchar(kind)
            if old is None or new is None:
                raise _changed(landing, name, have[name], kind)
            if old < new:
                widen.append((name, kind))
                widths[name] = new
    wanted = set(landing.names)
    dropped = [name for name in have if name not in wanted and name not in METADATA_COLUMNS]
    return Drift(tuple(add), tuple(widen), tuple(dropped), widths)


def _varchar(kind: str) -> int | None:
    match = re.fullmatch(r"VARCHAR\((\d+)\)", kind)
    return int(match[1]) if match else None


def _changed(landing: LandingTable, name: str, old: str, new: str) -> WarehouseError:
    source = next((column.source for column in landing.columns if column.name == name), name)
    if SUPER in (old, new):
        return WarehouseError(
            f"the landing table has {old}, but by SUPER_COLUMNS it should have {new}",
            table=landing.table,
            column=source,
            hint=f"{rebuild_hint(landing.table)} --from-lake",
        )
    return WarehouseError(
        f"its type changed: the landing table has {old}, the source now requires {new}",
        table=landing.table,
        column=source,
        hint=rebuild_hint(landing.table),
    )


def rebuild_hint(table: TableName) -> str:
    """How to rebuild a landing table: nothing is lost, because the lake keeps every file."""
    return f"tidemark rebuild -t {table}"


def describe(landing: LandingTable) -> str:
    """The comment that a landing table carries: whose copy it is, and by which key."""
    source = json.dumps(str(landing.table), ensure_ascii=False)
    key = json.dumps([column.source for column in landing.keys], ensure_ascii=False)
    return f"Copied by Tidemark from {source}, key {key}."


def check_comment(landing: LandingTable, comment: str | None) -> None:
    """Compares a stream with what the landing table's comment says of it.

    Args:
        landing: The table as the source's schema asks for it.
        comment: The table's comment; one that is not ours says nothing.

    Raises:
        WarehouseError: The table is the copy of another source table, or the key changed.
    """
    match = _COMMENT.search(comment or "")
    if not match:
        return
    try:
        source, key = json.loads(match["source"]), json.loads(match["key"])
    except ValueError:
        return
    if source != str(landing.table):
        raise not_ours(landing, source, landing.name)
    now = [column.source for column in landing.keys]
    if key != now:
        raise WarehouseError(
            f"its key changed: it was {', '.join(key) or 'none'} and is now "
            f"{', '.join(now) or 'none'}",
            table=landing.table,
            hint=rebuild_hint(landing.table),
        )


def not_ours(landing: LandingTable, source: str, name: str) -> WarehouseError:
    """The error for two source tables with one landing table, or one table with two.

    Args:
        landing: The table that is to be loaded.
        source: The source table of the load that is there.
        name: The landing table that it went into.
    """
    if source != str(landing.table):
        return WarehouseError(
            f"the landing table {landing.name!r} is already the copy of {source}",
            table=landing.table,
            hint=f"tidemark add {landing.table} gives it a different name",
        )
    return WarehouseError(
        f"its rows are in the landing table {name!r}, but according to LANDING_NAMES they belong "
        "in "
        f"{landing.name!r}",
        table=landing.table,
        hint=f"correct LANDING_NAMES, or reload it: {rebuild_hint(landing.table)}",
    )

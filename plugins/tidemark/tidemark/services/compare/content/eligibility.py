"""Which parts of a table can be compared row by row, with which copy, and which cannot. Pure.

The public table is compared where there is one; what it does not have is compared in landing, where
the newest version of each row counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tap_mysql.values.bookmark_facts import Reading
from tidemark_core.errors import ConfigError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import (
    EXTRACTED_AT,
    LANDING_SCHEMA,
    LOAD_ID,
    TableName,
    fold,
    redshift_relation,
)
from tidemark_core.types.singer_schema import from_json_schema
from tidemark_core.types.super_columns import JSON, NO_SUPER, TEXT, SuperColumns

from tidemark.services.compare.content.checksum_sql import (
    Side,
    mysql_side,
    newest_sql,
    redshift_side,
)
from tidemark.services.compare.content.comparison import Comparison
from tidemark.services.compare.keys.row_keys import RowKey, Window, live_sql, row_key
from tidemark.services.compare.keys.tombstones import unmarked_sql
from tidemark.services.compare.row_text import LONGEST_BINARY, Column

#: The stage, whatever the schema is called.
PUBLIC = "public"


@dataclass(frozen=True)
class NotCompared:
    """A part of a table that was not compared, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Facts:
    """What is known of a table before its rows are compared.

    Attributes:
        newest: Its newest manifest.
        schema: Where its public table is in the warehouse.
        name: What it is called there.
        reading: How far the source has been read.
        source: MySQL's type of each column.
        public: Columns of the public table; None: there is none.
        landing: Columns of the landing table; None: there is none.
        is_whole: Whether landing has every load: retention has taken none out.
        has_marks: Whether rows are marked as deleted.
        deleted_at: The public table's own column that says since when a row is deleted; None: it
            keeps no such rows.
        supers: The SUPER columns of the public and of the landing table.
        super_columns: The setting, which says of text whether it is JSON.
    """

    newest: Manifest
    schema: str
    name: str
    reading: Reading
    source: Mapping[str, str]
    public: frozenset[str] | None
    landing: frozenset[str] | None
    is_whole: bool
    has_marks: bool
    deleted_at: str | None = None
    supers: Mapping[str, Collection[str]] = field(default_factory=dict)
    super_columns: SuperColumns = NO_SUPER

    @property
    def table(self) -> TableName:
        return self.newest.table


def comparisons(facts: Facts) -> tuple[list[Comparison], list[NotCompared]]:
    """What is compared, and what is not."""
    columns, left = _columns(facts)
    key = _key(facts, left)
    public = [c for c in columns if facts.public is not None and _folded(c) in facts.public]
    landing = [c for c in columns if c not in public]
    found = []
    for name, chosen in ((PUBLIC, public), (LANDING_SCHEMA, landing)):
        why = _why_not(facts, name, chosen, key)
        if chosen and why is not None:
            left += [NotCompared(text, why) for text in _named(chosen, columns)]
        elif chosen:
            found.append(_comparison(facts, name, [_held(facts, name, c) for c in chosen], key))
            left += _unhashed(found[-1].columns, found[-1].key)
    if facts.public is None:
        left.append(NotCompared("public", "there is no public table: landing was compared"))
    return found, left


def _held(facts: Facts, name: str, column: Column) -> Column:
    """A column with what is in it if the copy has it as SUPER."""
    if _folded(column) not in facts.supers.get(name, ()):
        return column
    is_json = column.kind.kind == JSON or facts.super_columns.says_json(facts.table, column.name)
    return replace(column, held=JSON if is_json else TEXT)


def _folded(column: Column) -> str:
    return fold(column.name)


def _named(chosen: list[Column], columns: list[Column]) -> list[str]:
    """The columns by name, or one word if they are all of them."""
    if len(chosen) == len(columns):
        return ["content"]
    return [f"column {column.name}" for column in chosen]


def _columns(facts: Facts) -> tuple[list[Column], list[NotCompared]]:
    """The columns that both MySQL and the lake have, and those that only one of them has."""
    lake = facts.newest.columns
    found, left = [], []
    for name, schema in lake.items():
        if name in facts.source:
            found.append(Column(name, from_json_schema(schema), facts.source[name].lower()))
        else:
            left.append(NotCompared(f"column {name}", "MySQL no longer has it"))
    for name in facts.source:
        if name not in lake:
            why = "the lake does not have it: it is excluded, or newer than the last rows"
            left.append(NotCompared(f"column {name}", why))
    return found, left


def _key(facts: Facts, left: list[NotCompared]) -> RowKey | None:
    """The key, if both servers have it and write it alike."""
    try:
        key = row_key(facts.newest, facts.schema, facts.name)
    except ConfigError:
        return None
    gone = [name for name, _ in key.columns if name not in facts.source]
    if gone:
        left.append(NotCompared("rows by their key", f"MySQL has {', '.join(gone)} no more"))
    return None if gone else key


def _why_not(facts: Facts, name: str, chosen: list[Column], key: RowKey | None) -> str | None:
    """Why a copy cannot be compared; None: it can."""
    has = facts.public if name == PUBLIC else facts.landing
    if has is None:
        return f"there is no {name} table"
    lacking = [column.name for column in chosen if _folded(column) not in has]
    if lacking:
        return f"{name} does not have {', '.join(lacking)}"
    if key is not None and any(fold(column) not in has for column, _ in key.columns):
        return f"{name} does not have the key"
    if name == LANDING_SCHEMA:
        if not facts.is_whole:
            return "retention has removed loads from landing"
        if key is None and facts.reading.key:
            return "without a key, the newest version of a row cannot be determined"
        if EXTRACTED_AT not in has and (key is None or LOAD_ID not in has):
            return f"landing has no {EXTRACTED_AT}"
    return None


def _comparison(facts: Facts, name: str, chosen: list[Column], key: RowKey | None) -> Comparison:
    window = Window.of(facts.reading)
    bound, mark = (None, None) if window is None else (window.column, window.until)
    has = (facts.public if name == PUBLIC else facts.landing) or frozenset()
    schema = facts.schema if name == PUBLIC else LANDING_SCHEMA
    table = redshift_relation(schema, facts.name)
    only = _only(facts, name, key)
    if name == LANDING_SCHEMA:
        table = newest_sql(table, has, key, bound)
    copied = bound if bound is not None and fold(bound) in has else None
    # Sums that are bounded on one side only would differ for rows that are alike.
    summed = bound if copied else None
    source: Side = mysql_side(facts.table, chosen, key, summed, mark)
    target = redshift_side(table, chosen, key, copied, mark, only)
    integral = name == PUBLIC
    return Comparison(facts.table, name, tuple(chosen), key, source, target, integral)


def _only(facts: Facts, name: str, key: RowKey | None) -> tuple[str, tuple[Any, ...]]:
    """The condition of rows that MySQL should have, and what it binds."""
    live = [live_sql(facts.deleted_at)] if facts.deleted_at and name == PUBLIC else []
    if key is None or not facts.has_marks:
        return "".join(live), ()
    return " AND ".join([*live, unmarked_sql(key)]), (str(facts.table),)


def _unhashed(columns: Iterable[Column], key: RowKey | None) -> list[NotCompared]:
    """Columns that a comparison does not check, or not in full."""
    found = [
        NotCompared(
            f"column {c.name}, values over {LONGEST_BINARY:,} bytes",
            "only their lengths are compared",
        )
        for c in columns
        if c.may_be_long
    ]
    if key is None:
        why = "{} are compared row by row, and the table has no key"
        found += [
            NotCompared(f"column {c.name}", why.format("floats" if c.is_float else "SUPER values"))
            for c in columns
            if c.is_fetched
        ]
    return found

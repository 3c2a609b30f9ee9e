"""The record of each load: STL_LOAD_ERRORS, STL_LOAD_COMMITS, SYS_LOAD_HISTORY.

It is written by a session of its own, so that it is there when the load's transaction is rolled
back.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.context import Context
from redshift_stand_in.copy.load import Load
from redshift_stand_in.copy.target import Column, Target
from redshift_stand_in.options.options import Options
from redshift_stand_in.sql.lexer import literal

_NOW = "(redshift_hidden.clock_timestamp() at time zone 'UTC')"
_SHOWN_TYPES = {
    "varchar": "varchar",
    "bpchar": "char",
    "bool": "bool",
    "varbyte": "varbyte",
}
_RAW_BYTES = 1024


@dataclass(frozen=True)
class Entry:
    """A load that has started.

    Attributes:
        query: its number.
        user: number of its user.
        url: what it loads.
        target: where to.
        options: its parameters.
        started: SQL literal of the time.
    """

    query: int
    user: int
    url: str
    target: Target
    options: Options
    started: str

    @property
    def format(self) -> str:
        """The files' format."""
        return "parquet" if self.options.parquet else "csv" if self.options.csv else "text"


def begin(context: Context, url: str, target: Target, options: Options) -> Entry:
    """Gives the load a number; what was written before it gets the lower ones."""
    context.journal.history.flush(context.database)
    row = context.as_superuser(
        "select redshift_hidden.nextval('redshift_meta.query_id'), "
        f"(select oid from redshift_hidden.pg_roles where rolname = {literal(context.user)}), "
        f"{_NOW}"
    )[0]
    return Entry(int(row[0] or 0), int(row[1] or 0), url, target, options, literal(row[2]))


def failed(context: Context, entry: Entry, load: Load, reason: str) -> None:
    """Records a failed load and its errors."""
    context.as_superuser(
        _errors(context, entry, load) + _history(context, entry, load, "failed", reason)
    )


def completed(context: Context, entry: Entry, load: Load) -> None:
    """Records a completed load."""
    rows = [
        f"({entry.user}, {entry.query}, 0, {literal(entry.target.name)}, "
        f"{literal(url[:256])}, 0, {lines}, 0, {_NOW}, 1, "
        f"{literal(entry.format)}, 0, 0, 0)"
        for url, lines in load.lines.items()
    ]
    commits = f"insert into redshift_meta.load_commits values {', '.join(rows)};" if rows else ""
    context.as_superuser(
        _errors(context, entry, load) + commits + _history(context, entry, load, "completed", "")
    )


def _errors(context: Context, entry: Entry, load: Load) -> str:
    if not load.errors:
        return ""
    rows = [
        f"({entry.user}, 0, {entry.target.oid}, {_NOW}, {context.backend.process_id}, "
        f"{entry.query}, "
        f"{literal(e.url[:256])}, {e.line}, {literal(e.column.name if e.column else None)}, "
        f"{literal(_shown(e.column))}, {literal(_length(e.column))}, 0, "
        f"{literal(_printable(e.raw_line))}, "
        f"{literal(_printable(e.raw_value))}, {e.code}, {literal(e.reason)}, 0, 0, 0)"
        for e in load.errors
    ]
    return f"insert into redshift_meta.load_errors values {', '.join(rows)};"


def _history(context: Context, entry: Entry, load: Load, status: str, reason: str) -> str:
    loaded = load.rows if status == "completed" else 0
    return (
        f"insert into redshift_meta.loads values ({entry.user}, {entry.query}, "
        f"{context.backend.process_id}, "
        f"{entry.target.oid}, {literal(entry.target.name)}, {literal(entry.url[:256])}, "
        f"{literal(entry.format)}, "
        f"{loaded}, {len(load.files)}, {literal(status)}, {entry.started}, {_NOW}, "
        f"{literal(reason[:1024])}, "
        f"{len(load.errors)}, 0, {literal(context.masked_text[:4000])})"
    )


def _shown(column: Column | None) -> str | None:
    return _SHOWN_TYPES.get(column.kind, column.kind) if column else None


def _length(column: Column | None) -> str | None:
    if column is None:
        return None
    if column.kind == "numeric":
        return f"{column.precision}, {column.scale}"
    return str(column.length)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace")[:_RAW_BYTES].decode("utf-8", "ignore")

"""How a table is to be copied, and why. Pure, but for what it asks through a function.

The first of these that holds:

1. MySQL itself sets a column when a row changes (ON UPDATE CURRENT_TIMESTAMP).
2. A NOT NULL timestamp is named like a time of change, preferably one with an index.
3. The table is named like a log, and has an AUTO_INCREMENT key: only new rows are read.
4. It has a key, and the server's log tells which rows have changed.
5. It is read whole each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tap_mysql.singer.selection import check_log_key, why_not_by_log
from tap_mysql.source.schema import Column, Table
from tidemark_core.errors import ConfigError
from tidemark_core.types.singer_schema import FULL_TABLE, INCREMENTAL, LOG_BASED

from tidemark.source.quoting import add_index, quoted
from tidemark.terminal.format import size

_SNAKE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CHANGE = frozenset(
    {
        "change", "changed", "edited", "modification", "modified", "modify", "mtime", "update",
        "updated",
    }
)  # fmt: skip
_BESIDE = frozenset(
    {
        "at", "date", "datetime", "db", "dt", "gmt", "last", "on", "record", "row", "time",
        "timestamp", "tm", "ts", "utc",
    }
)  # fmt: skip
_LOGS = frozenset(
    {
        "audit", "audits", "click", "clicks", "event", "events", "history", "journal", "ledger",
        "log", "logs", "measurement", "measurements", "metric", "metrics",
        "visit", "visits",
    }
)  # fmt: skip
#: From this size on, the cost of reading it whole is reported.
BIG_ROWS, BIG_BYTES = 1_000_000, 2**30
#: Whether some rows of the table have no value in a column: NULL, or a zero date.
Gaps = Callable[[Column], bool]
#: Why the server's log cannot be read, and what to do; None: it can be.
NoLog = Callable[[], "Remark | None"]


@dataclass(frozen=True)
class Wish:
    """What the operator asks for; if nothing, what fits.

    Attributes:
        replication_key: A column.
        full_table: To be read whole.
        append_only: Rows are only ever added: read by the AUTO_INCREMENT key.
        log_based: To be read from the server's log.
    """

    replication_key: str | None = None
    full_table: bool = False
    append_only: bool = False
    log_based: bool = False

    @property
    def is_open(self) -> bool:
        return self == Wish()


@dataclass(frozen=True)
class Remark:
    """What the operator should know before a table is copied.

    Attributes:
        text: What it is.
        hint: What to do about it.
    """

    text: str
    hint: str | None = None


@dataclass(frozen=True)
class Method:
    """How a table is copied.

    Attributes:
        name: ``INCREMENTAL``, ``LOG_BASED`` or ``FULL_TABLE``.
        why: In a few words.
        key: The replication key, as MySQL spells it; None: it is read whole, or from the log.
        remarks: What it costs, and what would be better.
    """

    name: str
    why: str
    key: str | None = None
    remarks: tuple[Remark, ...] = ()

    def __str__(self) -> str:
        return f"{INCREMENTAL} by {self.key}" if self.key else self.name


def _not_asked() -> Remark | None:
    return Remark("the binary log was not checked")


def propose(table: Table, gaps: Gaps, wish: Wish, log: NoLog = _not_asked) -> Method:
    """Proposes how a table is copied.

    Args:
        table: The table.
        gaps: Whether some rows have no value in a column.
        wish: What is asked for.
        log: Says why the server's log cannot be read; None: it can be.

    Raises:
        ConfigError: What was asked for is not possible.
    """
    if wish.full_table:
        return Method(FULL_TABLE, "as requested")
    if wish.log_based:
        return _by_log(table, log)
    if wish.replication_key is not None:
        return _asked(table, wish.replication_key, gaps)
    if wish.append_only:
        return _appended(table, "as requested")
    if not table.primary_key:
        kind = "a view" if table.is_view else "a table without a key"
        return _whole(table, f"rows of {kind} cannot be told apart", [])
    passed: list[Remark] = []
    for column, why in _candidates(table):
        if column.can_be_missing and gaps(column):
            passed.append(_with_gaps(column))
        else:
            return _incremental(table, column, why, passed)
    if _words(table.name.table) & _LOGS and _counter(table) is not None:
        return _appended(table, "a log table: rows are only added")
    passed += [
        _perhaps(table, column)
        for column in table.columns
        if column.nullable and is_time_of_change(column) and not column.is_set_by_updates
    ]
    if why_not_by_log(table) is None and log() is None:
        why = "no column shows when a row changed, but the binary log does, including deletes"
        return Method(LOG_BASED, why, None, tuple(passed))
    return _whole(table, "no column shows when a row changed", passed)


def _by_log(table: Table, log: NoLog) -> Method:
    check_log_key(table)
    problem = log()
    if problem is not None:
        raise ConfigError(problem.text, table=table.name, hint=problem.hint)
    return Method(LOG_BASED, "as requested")


def _candidates(table: Table) -> Iterator[tuple[Column, str]]:
    """Columns that may tell when a row changed, the best first, each with why."""

    def by_index(column: Column) -> bool:
        return column.name not in table.indexed

    usable = sorted((c for c in table.columns if c.can_replicate), key=by_index)
    for column in usable:
        if column.is_set_by_updates:
            yield column, "MySQL sets it at every change (ON UPDATE)"
    for column in usable:
        if not column.is_set_by_updates and not column.nullable and is_time_of_change(column):
            yield column, "by its name and type, the time of a row's last change"


def is_time_of_change(column: Column) -> bool:
    """Whether a column's name and type are those of the time of a row's last change."""
    words = _words(column.name)
    is_time = column.type is not None and column.type.kind == "timestamp"
    return is_time and bool(words & _CHANGE) and words <= _CHANGE | _BESIDE


def _words(name: str) -> frozenset[str]:
    parts = re.split(r"[^a-z]+", _SNAKE.sub("_", name).lower())
    return frozenset(part for part in parts if part)


def _incremental(table: Table, column: Column, why: str, passed: list[Remark]) -> Method:
    remarks = list(passed)
    if not column.is_set_by_updates:
        told = f"changes that do not touch {column.name} are not seen; tidemark verify finds them"
        remarks.append(Remark(told))
    if column.name not in table.indexed and not table.is_view:
        told = f"no index begins with {column.name}, so each run scans all rows"
        told += f" (about {table.rows:,}, according to MySQL)"
        remarks.append(Remark(told, add_index(table.name, column.name)))
    return Method(INCREMENTAL, why, column.name, tuple(remarks))


def _with_gaps(column: Column) -> Remark:
    return Remark(
        f"{column.name} would show when a row changed, but some rows have no value (NULL or a zero "
        "date)",
        f"fill in {column.name} and add the table again, or use --replication-key {column.name} "
        "with "
        "BACKUP_NULL_KEYS=read in .env",
    )


def _perhaps(table: Table, column: Column) -> Remark:
    """A remark on a column that is named like a time of change, but may be NULL."""
    return Remark(
        f"{column.name} looks like the time of a row's last change, but may be NULL",
        f"if it is always set, run tidemark add {table.name} --replication-key {column.name}",
    )


def _asked(table: Table, name: str, gaps: Gaps) -> Method:
    column = table.column(name)
    if column is None:
        raise ConfigError(
            "there is no such column", table=table.name, column=name,
            hint=f"choose one of: {', '.join(c.name for c in table.columns if c.can_replicate)}",
        )  # fmt: skip
    if not column.can_replicate:
        raise ConfigError(
            f"a column of type {column.mysql.column_type} cannot be a replication key; it must be"
            " a timestamp, a date or an integer",
            table=table.name,
            column=name,
            hint=f"choose one of: {', '.join(c.name for c in table.columns if c.can_replicate)}",
        )
    found = _incremental(table, column, "as requested", [])
    if column.can_be_missing and gaps(column):
        told = f"some rows have no {column.name} (NULL or a zero date), which the backup refuses"
        remark = Remark(told, "fill them in, or set BACKUP_NULL_KEYS=read in .env")
        found = replace(found, remarks=(remark, *found.remarks))
    if not table.primary_key:
        told = "without a key, each version of a row is a separate row in the warehouse"
        found = replace(found, remarks=(*found.remarks, Remark(told)))
    return found


def _counter(table: Table) -> Column | None:
    """The AUTO_INCREMENT column, if new rows can be read by it."""
    return next(
        (
            column
            for column in table.columns
            if column.is_auto_increment and column.can_replicate and column.name in table.indexed
        ),
        None,
    )


def _appended(table: Table, why: str) -> Method:
    column = _counter(table)
    if column is None:
        raise ConfigError(
            "it has no AUTO_INCREMENT column to identify new rows",
            table=table.name,
            hint="omit --append-only, or name a column: --replication-key COLUMN",
        )
    price = Remark(
        "a row that changes after it was read keeps its old values in the warehouse; only tidemark "
        "verify finds that",
        f"if rows do change, run tidemark add {table.name} --full-table",
    )
    return Method(INCREMENTAL, why, column.name, (price,))


def _whole(table: Table, why: str, remarks: list[Remark]) -> Method:
    found = list(remarks)
    length = table.rows * table.row_bytes
    if table.rows >= BIG_ROWS or length >= BIG_BYTES:
        told = f"each run reads about {table.rows:,} rows, {size(length)}"
        found.append(Remark(told, _cheaper(table)))
    return Method(FULL_TABLE, why, None, tuple(found))


def _cheaper(table: Table) -> str | None:
    """What would make the reads of a big table short."""
    if table.is_view:
        return None
    if not table.primary_key:
        return "give it a primary key, and add the table again"
    alter = (
        f"ALTER TABLE {quoted(table.name)} ADD COLUMN `updated_at` TIMESTAMP NOT NULL "
        "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, ADD INDEX (`updated_at`), and add "
        "the table again"
    )
    asked = f"; or, if rows are only ever added, run tidemark add {table.name} --append-only"
    return alter + (asked if _counter(table) is not None else "")

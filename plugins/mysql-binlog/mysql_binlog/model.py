"""The results of reading a log: changed keys, and statements that affect whole tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mysql_binlog.position import Position

#: (schema, table), as the server has them.
Table = tuple[str, str]
#: What happened to a row last.
Kind = Literal["write", "update", "delete"]
#: Values of the key's columns, in the order that was asked for.
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Change:
    """A key whose row was written, changed or deleted; a change of the key itself gives two.

    Attributes:
        table: Whose row it is.
        kind: What happened to it last, in its batch.
        key: Its values, as PyMySQL gives them; a TIMESTAMP in UTC.
    """

    table: Table
    kind: Kind
    key: Key


@dataclass(frozen=True)
class Statement:
    """A statement that concerns a wanted table as a whole.

    Attributes:
        kind: ``truncate``: rows are gone and no row says so (TRUNCATE, DROP or EXCHANGE PARTITION).
            ``drop``, ``rename`` (to or from the wanted name), ``create``, ``alter``: as they say.
            ``layout``: rows were logged when the table had other columns than now, so that their
            keys are not known. ``other``: it names the table and is not understood.
        table: The wanted table.
        sql: The statement, or its beginning.
        keys_uncertain: Whether keys of rows that were logged before it may be missing or wrong: an
            ``alter`` that can have moved the key's columns, a ``layout``.
        replaced: Of an ``alter`` the columns that it drops, and the old and new names of those that
            it renames: a column of such a name now does not have the values that it had.
        converted: Of an ``alter`` the columns that it redefines.
        filled: Of an ``alter`` the columns that it adds and in which rows that exist have a value:
            by a default, NOT NULL, or computed.
    """

    kind: Literal["truncate", "drop", "rename", "create", "alter", "layout", "other"]
    table: Table
    sql: str
    keys_uncertain: bool = False
    replaced: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """What has changed, up to a position.

    All of it is committed, and seen by a query that begins now on the server whose log it is.

    Attributes:
        position: Where the next reading may begin: everything before it has been given. In the
            middle of a large transaction it is where that one began.
        keys: By table the keys that changed, without duplicates, with what happened last.
        statements: In the order of the log.
        pending: XA transactions that are prepared and not yet ended; the position waits for them.
    """

    position: Position
    keys: Mapping[Table, Mapping[Key, Kind]]
    statements: tuple[Statement, ...] = ()
    pending: tuple[str, ...] = ()

    @property
    def changes(self) -> Iterator[Change]:
        """The keys, one by one."""
        for table, keys in self.keys.items():
            for key, kind in keys.items():
                yield Change(table, kind, key)


@dataclass(frozen=True)
class Column:
    """A column of a table, as information_schema has it.

    Attributes:
        name: Its name.
        data_type: As DATA_TYPE: ``int``, ``varchar`` …
        column_type: As COLUMN_TYPE: ``int unsigned``, ``enum('a','b')`` …
        charset: Its character set; "" if it has none.
        length: CHARACTER_OCTET_LENGTH, 0 if it has none.
        precision: DATETIME_PRECISION, 0 if it has none.
    """

    name: str
    data_type: str
    column_type: str
    charset: str = ""
    length: int = 0
    precision: int = 0


@dataclass(frozen=True)
class KeyColumns:
    """Which columns of a table are wanted, usually its primary key.

    Attributes:
        names: The wanted ones, in the order in which their values are to come.
        columns: All of the table's, in their order.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...] = field(repr=False)

    @property
    def places(self) -> tuple[int, ...]:
        """The place of each wanted column in the table, from 0."""
        where = {column.name: place for place, column in enumerate(self.columns)}
        return tuple(where[name] for name in self.names)


@dataclass(frozen=True)
class Problem:
    """What keeps a log from being read, or soon may.

    Attributes:
        setting: The setting, or the right.
        found: What it is.
        wanted: What it should be.
        statement: What to run, or to write into the server's configuration.
        fatal: Whether changes would be lost; else it is a warning.
    """

    setting: str
    found: str
    wanted: str
    statement: str
    fatal: bool

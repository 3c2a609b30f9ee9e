"""The generated databases in their server: how they get there, and what it says they hold."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pymysql
from tidemark_sandbox.world import Sandbox

from anydb.generate import quoting
from anydb.generate.model import Database, Table
from anydb.stores.values import family, is_in_calendar, spelled

ZERO_DATE, INVALID_TEXT, OTHER_TEXT = "zero_date", "invalid_utf8", "other_text"
_BINARY = {"bytes": "HEX({0})", "shape": "HEX(ST_AsBinary({0}))", "vector": "HEX({0})"}
#: With the question marks that stand for codes without a character: those that came in.
_MARKS = "CHAR_LENGTH({0}) - CHAR_LENGTH(REPLACE({0}, '?', ''))"
_IN_UTF8 = "CONVERT({0} USING utf8mb4)"
_TEXT = {
    "text": f"CONCAT(HEX({_IN_UTF8}), ' ', {_MARKS.replace('{0}', _IN_UTF8)} - ({_MARKS}))",
    "json": "HEX(CAST({0} AS CHAR CHARACTER SET utf8mb4))",
}
#: Of a FLOAT the double that it is; not by CAST, which cuts a text at 22 characters.
_FLOAT = "{0} * 1e0"


@dataclass(frozen=True)
class Value:
    """What the copies must hold.

    Attributes:
        text: In the one spelling; None: NULL.
        reason: Why it is another one than the server's; None: it is the server's.
    """

    text: str | None
    reason: str | None = None


@dataclass
class Snapshot:
    """A table as its server has it.

    Attributes:
        columns: Names with the family of their values, in order.
        key: Columns of the primary key.
        rows: Values by column.
        error: Why it cannot be read; such as a view whose table has changed.
    """

    columns: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    rows: list[dict[str, Value]] = field(default_factory=list)
    error: str | None = None

    def reasons(self) -> dict[tuple[str, str], int]:
        """How often a value must change, by column and reason."""
        counts: dict[tuple[str, str], int] = {}
        for row in self.rows:
            for column, value in row.items():
                if value.reason:
                    counts[column, value.reason] = counts.get((column, value.reason), 0) + 1
        return counts


class Source:
    """The server, as its administrator sees it: past the bastion, by the plain driver."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        user = sandbox.env()["DB_USER"]
        sandbox.mysql(f"GRANT SELECT, SHOW VIEW ON *.* TO '{user}'@'localhost'", database=None)

    def run(self, statements: Sequence[str]) -> list[str]:
        """Runs statements in one session; gives those that the server took."""
        taken = []
        with (
            closing(self._sandbox.source.connect()) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                try:
                    cursor.execute(statement)
                    taken.append(statement)
                except pymysql.err.MySQLError:
                    continue
        return taken

    def drop(self, databases: Sequence[Database]) -> None:
        for database in databases:
            self._sandbox.mysql(
                f"DROP DATABASE IF EXISTS {quoting.name(database.name)}", database=None
            )

    def present(self, database: Database) -> list[Table]:
        """The tables and views that came to be."""
        rows = self._sandbox.mysql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s",
            [database.name], database=None,
        )  # fmt: skip
        there = {name for (name,) in rows}
        return [table for table in database.tables if table.name in there]

    def look(self, table: Table) -> Snapshot:
        """Reads a whole table."""
        with (
            closing(self._sandbox.source.connect()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SET SESSION time_zone = '+00:00', sql_mode = ''")
            cursor.execute(_COLUMNS, [table.database, table.name])
            described = cursor.fetchall()
            cursor.execute(_KEY, [table.database, table.name])
            key = tuple(name for (name,) in cursor.fetchall())
            place = f"{quoting.name(table.database)}.{quoting.name(table.name)}"
            columns = {name: family(kind) for name, kind in described}
            try:
                # MySQL's catalogue shows a view's columns with blanks that they have lost.
                cursor.execute(f"SELECT * FROM {place} LIMIT 0")
                names = [column[0] for column in cursor.description or ()]
                if len(names) == len(columns):  # None of them is invisible.
                    columns = dict(zip(names, columns.values(), strict=True))
                asked = ", ".join(_expression(name, kind) for name, kind in columns.items())
                cursor.execute(f"SELECT {asked} FROM {place}")
            except pymysql.err.MySQLError as error:
                return Snapshot(columns, key, error=str(error))
            rows = [
                {
                    name: _value(kind, told)
                    for (name, kind), told in zip(columns.items(), row, strict=True)
                }
                for row in cursor.fetchall()
            ]
            return Snapshot(columns, key, rows)


_COLUMNS = (
    "SELECT column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
_KEY = (
    "SELECT column_name FROM information_schema.statistics WHERE table_schema = %s "
    "AND table_name = %s AND index_name = 'PRIMARY' ORDER BY seq_in_index"
)


def _expression(name: str, kind: str) -> str:
    forms = {**_BINARY, **_TEXT, "float32": _FLOAT, "float64": _FLOAT}
    form = forms.get(kind, "CAST({0} + 0 AS CHAR)" if kind == "integer" else "CAST({0} AS CHAR)")
    return form.replace("{0}", quoting.name(name))


def _value(kind: str, told: str | bytes | None) -> Value:
    if told is None:
        return Value(None)
    text = told.decode() if isinstance(told, bytes) else str(told)
    if kind in _TEXT:
        digits, _, marks = text.partition(" ")
        octets = bytes.fromhex(digits)
        try:
            return Value(octets.decode(), OTHER_TEXT if marks not in ("", "0") else None)
        except UnicodeDecodeError:
            return Value(octets.decode(errors="replace"), INVALID_TEXT)
    if kind in ("date", "moment") and not is_in_calendar(text):
        return Value(None, ZERO_DATE)
    return Value(spelled(kind, text))

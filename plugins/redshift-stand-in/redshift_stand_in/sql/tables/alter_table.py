"""ALTER TABLE: what PostgreSQL runs, and what only the catalogue remembers.

Source: "ALTER TABLE" and "ALTER TABLE APPEND" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.errors import (
    SYNTAX_ERROR,
    NotInRedshift,
    NotInStandIn,
    StatementError,
)
from redshift_stand_in.sql.lexer import Sql, qualified, quote
from redshift_stand_in.sql.tables import keys
from redshift_stand_in.sql.tables.attributes import Key, TableAttributes
from redshift_stand_in.sql.tables.column_definitions import type_of_column
from redshift_stand_in.sql.tables.encodings import encoding
from redshift_stand_in.sql.tables.types import column_type


@dataclass(frozen=True)
class Append:
    """ALTER TABLE target APPEND FROM source.

    Attributes:
        target: quoted name.
        source: quoted name.
        ignore_extra: IGNOREEXTRA was given.
        fill_target: FILLTARGET was given.
    """

    target: str
    source: str
    ignore_extra: bool
    fill_target: bool


@dataclass(frozen=True)
class Alter:
    """Any other ALTER TABLE.

    Attributes:
        table: quoted name.
        ddl: for PostgreSQL; None when there is nothing for it to do.
        attributes: for the catalogue; None when they stay the same.
        resized: the column whose type it changes, which cannot be done in a transaction block;
            None: it changes none.
        key: added to the table, or None.
        dropped: the column that it drops without CASCADE, or None.
        on_columns: whether it adds, drops or renames a column.
    """

    table: str
    ddl: str | None
    attributes: TableAttributes | None
    resized: str | None = None
    key: Key | None = None
    dropped: str | None = None
    on_columns: bool = False


def parse(sql: Sql) -> Append | Alter:
    """Parses an ALTER TABLE.

    Raises:
        StatementError: Redshift refuses it.
    """
    parts, i = sql.table_name(2)
    table = qualified(parts)
    sql = Sql(sql.edited([sql.cut(2, i, table)]))
    _, i = sql.table_name(2)
    if sql.norms(i, 2) == ("APPEND", "FROM"):
        source, behind = sql.table_name(i + 2)
        options = {t.norm for t in sql.tokens[behind:]}
        if unknown := options - {"IGNOREEXTRA", "FILLTARGET"}:
            raise StatementError(f'syntax error at or near "{sorted(unknown)[0]}"', SYNTAX_ERROR)
        if len(options) > 1:
            raise StatementError("IGNOREEXTRA and FILLTARGET can't be used together", SYNTAX_ERROR)
        return Append(table, qualified(source), "IGNOREEXTRA" in options, "FILLTARGET" in options)
    word = sql.norm(i)
    if word == "ADD":
        return _add(sql, i + 1, table)
    if word == "ALTER":
        return _alter(sql, i + 1, table)
    if word in ("RENAME", "OWNER", "DROP"):
        return _plain(sql, i, table)
    if word in ("SET", "PARTITION", "ROW", "ATTACH", "MASKING"):
        raise NotInStandIn(f"ALTER TABLE … {word} is")
    raise NotInRedshift(f"ALTER TABLE … {word} is")


def _plain(sql: Sql, i: int, table: str) -> Alter:
    """What PostgreSQL does too, once quoted names are folded."""
    quoted = [t for t in sql.tokens if t.kind == "quoted"]
    ddl = sql.edited((t.start, t.end, quote(t.name)) for t in quoted)
    if sql.norms(i, 2) == ("DROP", "CONSTRAINT"):
        if sql.norm(i + 2) == "IF" or sql.norm(i + 3) not in ("", "RESTRICT", "CASCADE"):
            raise StatementError(f'syntax error at or near "{sql.near(i + 3)}"', SYNTAX_ERROR)
    elif sql.norm(i) == "DROP":
        column = i + 1 + (sql.norm(i + 1) == "COLUMN")
        cascade = sql.norm(column + 1) == "CASCADE" or column >= len(sql)
        dropped = None if cascade else sql.tokens[column].name
        return Alter(table, ddl, None, dropped=dropped, on_columns=True)
    return Alter(table, ddl, None, on_columns=sql.norms(i, 2) == ("RENAME", "COLUMN"))


def _add(sql: Sql, i: int, table: str) -> Alter:
    if sql.norm(i) in keys.HEADS:
        return Alter(table, None, None, key=keys.of_table(sql, i, len(sql)))
    if sql.norm(i) == "COLUMN":
        i += 1
    name = sql.tokens[i]
    edits, behind = type_of_column(sql, i, sql.table_name(2)[0][-1])
    attributes = TableAttributes()
    words = {t.norm for t in sql.tokens[behind:]}
    if words & {"PRIMARY", "UNIQUE", "REFERENCES", "IDENTITY", "DISTKEY", "SORTKEY", "GENERATED"}:
        raise NotInRedshift("ADD COLUMN with a key or IDENTITY is")
    if "NOT" in words and "DEFAULT" not in words:
        raise StatementError(
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    for k in range(behind, len(sql)):
        if sql.norm(k) == "ENCODE":
            attributes.encodings[name.name] = encoding(sql, k + 1, i + 1)
            edits.append(sql.cut(k, k + 2))
    changed = attributes if attributes.encodings else None
    plain = not words & {"DEFAULT", "ENCODE", "NULL"}
    return Alter(table, sql.edited(edits), changed, on_columns=plain)


def _alter(sql: Sql, i: int, table: str) -> Alter:
    word = sql.norm(i)
    attributes = TableAttributes()
    if word == "DISTKEY":
        attributes.diststyle, attributes.distkey = "key", sql.tokens[i + 1].name
        return Alter(table, None, attributes)
    if word == "DISTSTYLE":
        attributes.diststyle = sql.norm(i + 1).lower()
        if attributes.diststyle == "key" and sql.norm(i + 2) == "DISTKEY":
            attributes.distkey = sql.tokens[i + 3].name
        return Alter(table, None, attributes)
    if word in ("SORTKEY", "COMPOUND"):
        i += word == "COMPOUND"
        if sql.norm(i + 1) == "(":
            attributes.sorttype = "compound"
            attributes.sortkeys = [sql.tokens[start].name for start, _ in sql.arguments(i + 1)]
        else:
            attributes.sorttype = sql.norm(i + 1).lower()
        return Alter(table, None, attributes)
    if word == "ENCODE":
        return Alter(table, None, None)
    if word == "COLUMN":
        i += 1
    column = sql.tokens[i]
    if sql.norm(i + 1) == "ENCODE":
        attributes.encodings[column.name] = encoding(sql, i + 2)
        return Alter(table, None, attributes)
    if sql.norm(i + 1) == "TYPE":
        if sql.norm(i + 2) not in (
            "VARCHAR",
            "CHARACTER",
            "NVARCHAR",
            "VARBYTE",
            "BINARY",
            "VARBINARY",
        ):
            raise NotInRedshift("ALTER COLUMN TYPE other than of a VARCHAR or VARBYTE is")
        edits, behind = column_type(sql, i + 2)
        if behind < len(sql):
            raise StatementError(f'syntax error at or near "{sql.near(behind)}"', SYNTAX_ERROR)
        return Alter(table, sql.edited(edits), None, resized=column.name)
    raise StatementError(f'syntax error at or near "{sql.near(i + 1)}"', SYNTAX_ERROR)

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
from redshift_stand_in.sql.tables import alter_clauses, keys
from redshift_stand_in.sql.tables.attributes import Key, TableAttributes
from redshift_stand_in.sql.tables.column_definitions import column
from redshift_stand_in.sql.words import words

#: What Redshift has besides, and the stand-in has not.
_ABSENT = words("ROW MASKING")
#: What a column that is added cannot have.
_NOT_ADDED = words("PRIMARY UNIQUE REFERENCES IDENTITY DISTKEY SORTKEY GENERATED")


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
        dropped: the column that it drops, or None.
        cascade: whether what depends on the column is dropped too.
        on_columns: whether it adds, drops or renames a column.
    """

    table: str
    ddl: str | None
    attributes: TableAttributes | None
    resized: str | None = None
    key: Key | None = None
    dropped: str | None = None
    cascade: bool = False
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
        return _append(sql, i + 2, table)
    word = sql.norm(i)
    if word == "ADD":
        return _add(sql, i + 1, table)
    if word == "ALTER":
        return _alter(sql, i, table)
    if word in ("RENAME", "OWNER", "DROP"):
        return _plain(sql, i, table)
    if word in _ABSENT:
        raise NotInStandIn(f"ALTER TABLE … {word} is")
    raise NotInRedshift(f"ALTER TABLE … {word} is")


def _append(sql: Sql, i: int, target: str) -> Append:
    source, behind = sql.table_name(i)
    options = {t.norm for t in sql.tokens[behind:]}
    if unknown := options - {"IGNOREEXTRA", "FILLTARGET"}:
        raise StatementError(f'syntax error at or near "{sorted(unknown)[0]}"', SYNTAX_ERROR)
    if len(options) > 1:
        raise StatementError("IGNOREEXTRA and FILLTARGET can't be used together", SYNTAX_ERROR)
    return Append(target, qualified(source), "IGNOREEXTRA" in options, "FILLTARGET" in options)


def _plain(sql: Sql, i: int, table: str) -> Alter:
    """What PostgreSQL does too, once quoted names are folded."""
    quoted = [t for t in sql.tokens if t.kind == "quoted"]
    ddl = sql.edited((t.start, t.end, quote(t.name)) for t in quoted)
    if sql.norms(i, 2) == ("DROP", "CONSTRAINT"):
        if sql.norm(i + 2) == "IF" or sql.norm(i + 3) not in ("", "RESTRICT", "CASCADE"):
            raise sql.unexpected(i + 3)
    elif sql.norm(i) == "DROP":
        name = i + 1 + (sql.norm(i + 1) == "COLUMN")
        cascade = sql.norm(name + 1) == "CASCADE"
        return Alter(table, ddl, None, dropped=sql.name(name), cascade=cascade, on_columns=True)
    if sql.norms(i, 2) == ("RENAME", "TO") and sql.name(i + 2).startswith("#"):
        raise StatementError("a permanent table cannot have a name that begins with #")
    return Alter(table, ddl, None, on_columns=sql.norms(i, 2) == ("RENAME", "COLUMN"))


def _add(sql: Sql, i: int, table: str) -> Alter:
    if sql.norm(i) in keys.HEADS:
        return Alter(table, None, None, key=keys.of_table(sql, i, len(sql)))
    if sql.norm(i) == "COLUMN":
        i += 1
    said = {t.norm for t in sql.tokens[i + 1 :]}
    if said & _NOT_ADDED:
        raise NotInRedshift("ADD COLUMN with a key or IDENTITY is")
    attributes = TableAttributes()
    edits = column(sql, i, len(sql), sql.table_name(2)[0][-1], attributes)
    if "NOT" in said and "DEFAULT" not in said:
        raise StatementError(
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    changed = attributes if attributes.encodings else None
    plain = not said & {"DEFAULT", "ENCODE", "NULL"}
    return Alter(table, sql.edited(edits), changed, on_columns=plain)


def _alter(sql: Sql, i: int, table: str) -> Alter:
    found = alter_clauses.parse(sql, i)
    if found.resized is not None:
        return Alter(table, sql.edited(found.edits), None, resized=found.resized)
    return Alter(table, None, found.attributes)

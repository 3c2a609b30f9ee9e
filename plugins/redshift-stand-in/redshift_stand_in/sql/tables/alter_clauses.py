"""The ALTER clauses of an ALTER TABLE: distribution, sort key, encodings, a column's size.

Source: "ALTER TABLE" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from redshift_stand_in.errors import SYNTAX_ERROR, NotInRedshift, StatementError
from redshift_stand_in.sql.lexer import Edit, Sql
from redshift_stand_in.sql.tables.attributes import TableAttributes
from redshift_stand_in.sql.tables.encodings import encoding
from redshift_stand_in.sql.tables.types import column_type
from redshift_stand_in.sql.words import words

#: Types whose size can be changed.
_RESIZABLE = words("VARCHAR CHARACTER NVARCHAR VARBYTE BINARY VARBINARY")
#: Kinds of clauses that may stand together in one statement; of encodings, as many as there are.
_TOGETHER = ({"sort key": 1, "distribution": 1},)


@dataclass
class Clauses:
    """What the ALTER clauses of a statement ask for.

    Attributes:
        attributes: for the catalogue.
        resized: the column that gets another type, or None.
        edits: of that type, for PostgreSQL.
    """

    attributes: TableAttributes = field(default_factory=TableAttributes)
    resized: str | None = None
    edits: list[Edit] = field(default_factory=list)


def parse(sql: Sql, i: int) -> Clauses:
    """Reads ``ALTER …[, ALTER …]`` to the end of the statement.

    Args:
        sql: the statement.
        i: the first ALTER.

    Raises:
        StatementError: Redshift refuses it.
    """
    found, kinds = Clauses(), Counter[str]()
    while True:
        kind, i = _clause(sql, i + 1, found)
        kinds[kind] += 1
        if i == len(sql):
            break
        if sql.norms(i, 2) != (",", "ALTER"):
            raise sql.unexpected(i)
        i += 1
    if kinds.total() > 1 and set(kinds) != {"encoding"} and kinds not in _TOGETHER:
        raise NotInRedshift("This combination of clauses in an ALTER TABLE is")
    return found


def _clause(sql: Sql, i: int, found: Clauses) -> tuple[str, int]:
    """Reads what stands after one ALTER; returns its kind and the index after it."""
    word = sql.norm(i)
    if word == "DISTKEY":
        found.attributes.set_distkey(sql.name(i + 1))
        return "distribution", i + 2
    if word == "DISTSTYLE":
        return _diststyle(sql, i + 1, found.attributes)
    if word in ("SORTKEY", "COMPOUND"):
        return _sort_key(sql, i + (word == "COMPOUND"), found.attributes)
    if sql.norms(i, 2) == ("ENCODE", "AUTO"):
        return "automatic encoding", i + 2
    i += word == "COLUMN"
    if sql.norm(i + 1) == "ENCODE":
        return _encoding(sql, i, found.attributes)
    if sql.norm(i + 1) == "TYPE":
        return _type(sql, i, found)
    raise sql.unexpected(i + 1)


def _diststyle(sql: Sql, i: int, attributes: TableAttributes) -> tuple[str, int]:
    style = sql.norm(i)
    if sql.norms(i, 2) == ("KEY", "DISTKEY"):
        attributes.set_distkey(sql.name(i + 2))
        return "distribution by name", i + 3
    if style not in ("ALL", "EVEN", "AUTO"):
        raise sql.unexpected(i + (style == "KEY"))
    attributes.set_diststyle(style.lower())
    return "distribution" if style == "ALL" else "distribution by name", i + 1


def _sort_key(sql: Sql, i: int, attributes: TableAttributes) -> tuple[str, int]:
    if sql.norm(i) != "SORTKEY":
        raise sql.unexpected(i)
    if sql.norm(i + 1) == "(":
        names, behind = sql.names(i + 1)
        attributes.set_sortkey("compound", names)
        return "sort key", behind
    if sql.norm(i + 1) not in ("AUTO", "NONE") or sql.norm(i - 1) == "COMPOUND":
        raise sql.unexpected(i + 1)
    if sql.norm(i + 1) == "NONE":  # AUTO keeps the sort key that there is
        attributes.sorttype = "none"
    return "sort key by name", i + 2


def _encoding(sql: Sql, i: int, attributes: TableAttributes) -> tuple[str, int]:
    name = sql.name(i)
    if name in attributes.encodings:
        raise StatementError(f'cannot alter the encoding of column "{name}" twice', SYNTAX_ERROR)
    attributes.encodings[name] = encoding(sql, i + 2)
    return "encoding", i + 3


def _type(sql: Sql, i: int, found: Clauses) -> tuple[str, int]:
    found.resized = sql.name(i)
    if sql.norm(i + 2) not in _RESIZABLE:
        raise NotInRedshift("ALTER COLUMN TYPE other than of a VARCHAR or VARBYTE is")
    found.edits, behind = column_type(sql, i + 2)
    return "type", behind

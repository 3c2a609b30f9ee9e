"""CREATE TABLE: what PostgreSQL runs, and what the catalogue remembers beside it.

Source: "CREATE TABLE" and "CREATE TABLE AS" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.errors import (
    SYNTAX_ERROR,
    NotInRedshift,
    StatementError,
)
from redshift_stand_in.sql.lexer import Edit, Sql, qualified
from redshift_stand_in.sql.tables.attributes import TableAttributes
from redshift_stand_in.sql.tables.types import column_type
from redshift_stand_in.sql.words import words

ENCODINGS = words(
    "RAW AZ64 BYTEDICT DELTA DELTA32K LZO MOSTLY8 MOSTLY16 MOSTLY32 RUNLENGTH TEXT255 TEXT32K "
    "ZSTD AUTO"
)
_TABLE_CONSTRAINTS = frozenset(["PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"])
#: What may follow a column's type.
_ATTRIBUTES = words(
    "ENCODE DISTKEY SORTKEY IDENTITY PRIMARY UNIQUE REFERENCES CONSTRAINT DEFAULT NULL NOT "
    "GENERATED"
)
MAX_SORT_KEYS = 400
MAX_INTERLEAVED = 8


@dataclass(frozen=True)
class CreateTable:
    """A parsed CREATE TABLE.

    Attributes:
        ddl: for PostgreSQL, expressions not yet rewritten.
        name: quoted and qualified.
        attributes: for the catalogue.
        is_query: whether it is a CREATE TABLE AS.
        if_not_exists: whether a table that is there already is left as it is.
    """

    ddl: str
    name: str
    attributes: TableAttributes
    is_query: bool
    if_not_exists: bool


def parse(sql: Sql) -> CreateTable:
    """Takes a CREATE TABLE apart.

    Raises:
        StatementError: Redshift refuses it.
    """
    index = sql_index(sql, "TABLE") + 1
    edits: list[Edit] = []
    if sql.norm(1) == "LOCAL":
        edits.append(sql.cut(1, 2))
    attributes = TableAttributes()
    if_not_exists = sql.norms(index, 3) == ("IF", "NOT", "EXISTS")
    if if_not_exists:
        index += 3
    first = index
    parts, index = sql.table_name(index)
    if parts[-1].startswith("#"):
        if len(parts) > 1:
            raise StatementError("A temporary table is in no schema", SYNTAX_ERROR)
        if sql.norm(1) == "TABLE":
            edits.append(sql.cut(0, 1, "create temporary"))
    edits.append(sql.cut(first, index, qualified(parts)))
    if sql.norms(index, 2) == ("(", ")"):
        raise StatementError('syntax error at or near ")"', SYNTAX_ERROR)
    if sql.norm(index) == "(" and not _is_name_list(sql, index):
        edits += _columns(sql, index, attributes)
        index = sql.close(index) + 1
    elif sql.norm(index) == "(":
        index = sql.close(index) + 1
    edits += _table_attributes(sql, index, attributes)
    if attributes.diststyle == "key" and not attributes.distkey:
        raise StatementError("DISTSTYLE KEY requires a DISTKEY column", SYNTAX_ERROR)
    is_query = any(t.norm == "AS" and t.depth == 0 for t in sql.tokens[index:])
    return CreateTable(sql.edited(edits), qualified(parts), attributes, is_query, if_not_exists)


def sql_index(sql: Sql, norm: str) -> int:
    """The index of the first token with that norm.

    Raises:
        StatementError: there is none.
    """
    for i, token in enumerate(sql.tokens):
        if token.norm == norm:
            return i
    raise StatementError(f"syntax error: {norm} expected", SYNTAX_ERROR)


def _is_name_list(sql: Sql, index: int) -> bool:
    """Whether the parenthesis holds names only, as in ``create table t (a, b) as select …``."""
    return all(behind - start == 1 for start, behind in sql.arguments(index))


def _columns(sql: Sql, index: int, attributes: TableAttributes) -> list[Edit]:
    edits: list[Edit] = []
    dropped: list[tuple[int, int]] = []
    keyed: list[str] = []
    ranges = sql.arguments(index)
    kept = []
    for start, behind in ranges:
        if sql.norm(start) == "LIKE":
            edits += _like(sql, start, behind)
            kept.append((start, behind))
        elif sql.norm(start) in _TABLE_CONSTRAINTS:
            keyed += _constraint(sql, start, behind, attributes)
            dropped.append((start, behind))
        else:
            edits += _column(sql, start, behind, attributes)
            kept.append((start, behind))
    edits += _without(sql, ranges, dropped)
    for start, behind in kept:
        name = sql.tokens[start].name
        if name in keyed and "NOT" not in {t.norm for t in sql.tokens[start:behind]}:
            place = sql.tokens[behind - 1].end
            edits.append((place, place, " not null"))
    return edits


def _without(sql: Sql, ranges: list[tuple[int, int]], dropped: list[tuple[int, int]]) -> list[Edit]:
    """Removes items of a list together with the comma before each (constraints stand last)."""
    edits = []
    for start, behind in dropped:
        if (start, behind) == ranges[0]:
            raise StatementError("a table must have a column", SYNTAX_ERROR)
        edits.append(sql.cut(start - 1, behind))
    return edits


def _like(sql: Sql, start: int, behind: int) -> list[Edit]:
    """``LIKE parent [INCLUDING|EXCLUDING DEFAULTS]`` is PostgreSQL's too; other options are not."""
    _, index = sql.table_name(start + 1)
    if index < behind and sql.norms(index, behind - index) not in (
        ("INCLUDING", "DEFAULTS"),
        ("EXCLUDING", "DEFAULTS"),
    ):
        raise StatementError("LIKE takes INCLUDING or EXCLUDING DEFAULTS only", SYNTAX_ERROR)
    return []


def _column(sql: Sql, start: int, behind: int, attributes: TableAttributes) -> list[Edit]:
    name = sql.tokens[start].name
    try:
        edits, i = column_type(sql, start + 1)
    except NotInRedshift:
        kind = sql.near(start + 1).lower()
        raise NotInRedshift(f'Column "{name}" has unsupported type "{kind}": it is') from None
    while i < behind:
        word = sql.norm(i)
        if word == "ENCODE":
            _check_encoding(sql, i + 1)
            attributes.encodings[name] = sql.norm(i + 1).lower()
            edits.append(sql.cut(i, i + 2))
            i += 2
        elif word == "DISTKEY":
            _set_distkey(attributes, name)
            edits.append(sql.cut(i, i + 1))
            i += 1
        elif word == "SORTKEY":
            attributes.sorttype = "compound"
            attributes.sortkeys.append(name)
            edits.append(sql.cut(i, i + 1))
            i += 1
        elif word == "IDENTITY" and sql.norm(i + 1) == "(":
            edits.append(_identity(sql, i))
            i = sql.close(i + 1) + 1
        elif word in ("PRIMARY", "UNIQUE", "REFERENCES"):
            edit, i = _column_constraint(sql, i, name, attributes)
            edits.append(edit)
        elif word == "CONSTRAINT":
            edits.append(sql.cut(i, i + 2))
            i += 2
        elif word == "DEFAULT":
            i = _behind_default(sql, i + 1, behind)
        elif word == "NULL" or sql.norms(i, 2) == ("NOT", "NULL"):
            i += 1 + (word == "NOT")
        elif sql.norms(i, 4) == ("GENERATED", "BY", "DEFAULT", "AS"):
            i += 4
        else:
            raise StatementError(f'syntax error at or near "{sql.near(i)}"', SYNTAX_ERROR)
    return edits


def _behind_default(sql: Sql, i: int, behind: int) -> int:
    """The index behind a default's expression, which ends where another attribute begins."""
    depth = sql.tokens[i - 1].depth
    while i < behind and (
        sql.tokens[i].depth > depth
        or sql.norm(i) not in _ATTRIBUTES
        or (sql.norm(i) == "NULL" and sql.norm(i - 1) == "DEFAULT")
    ):
        i += 1
    return i


def _identity(sql: Sql, i: int) -> Edit:
    """IDENTITY(seed, step); GENERATED BY DEFAULT AS IDENTITY(seed, step)."""
    end = sql.close(i + 1)
    numbers = [sql.between(*r) for r in sql.arguments(i + 1)]
    if len(numbers) != 2:
        raise StatementError("IDENTITY takes a seed and a step", SYNTAX_ERROR)
    options = f"identity (start with {numbers[0]} increment by {numbers[1]})"
    if sql.norm(i - 1) != "AS":
        options = f"generated always as {options}"
    return sql.cut(i, end + 1, options)


def _column_constraint(
    sql: Sql, i: int, name: str, attributes: TableAttributes
) -> tuple[Edit, int]:
    word = sql.norm(i)
    if word == "PRIMARY":
        attributes.constraints.append(("p", [name], ""))
        return sql.cut(i, i + 2, "not null"), i + 2
    if word == "UNIQUE":
        attributes.constraints.append(("u", [name], ""))
        return sql.cut(i, i + 1), i + 1
    _, behind = sql.table_name(i + 1)
    if sql.norm(behind) == "(":
        behind = sql.close(behind) + 1
    attributes.constraints.append(("f", [name], sql.between(i + 1, behind)))
    return sql.cut(i, behind), behind


def _constraint(sql: Sql, start: int, behind: int, attributes: TableAttributes) -> list[str]:
    """Remembers a table constraint.

    Returns:
        The columns that it makes NOT NULL.
    """
    i = start + 2 if sql.norm(start) == "CONSTRAINT" else start
    word = sql.norm(i)
    opening = next((k for k in range(i, behind) if sql.norm(k) == "("), None)
    if opening is None or word not in ("PRIMARY", "UNIQUE", "FOREIGN"):
        raise StatementError(f'syntax error at or near "{sql.near(i)}"', SYNTAX_ERROR)
    end = sql.close(opening)
    columns = [t.name for t in sql.tokens[opening + 1 : end] if t.is_name]
    first = end + (2 if word == "FOREIGN" and sql.norm(end + 1) == "REFERENCES" else 1)
    if (word == "FOREIGN") != (first < behind):
        raise StatementError(f'syntax error at or near "{sql.near(end + 1)}"', SYNTAX_ERROR)
    attributes.constraints.append((word[0].lower(), columns, sql.between(first, behind)))
    return columns if word == "PRIMARY" else []


def _check_encoding(sql: Sql, index: int) -> None:
    if sql.norm(index) not in ENCODINGS:
        raise StatementError(f'unknown encoding "{sql.near(index)}"', SYNTAX_ERROR)


def _set_distkey(attributes: TableAttributes, name: str) -> None:
    if attributes.distkey:
        raise StatementError("Can't specify more than one DISTKEY column", SYNTAX_ERROR)
    if attributes.diststyle in ("all", "even"):
        raise StatementError("Cannot specify DISTKEY if DISTSTYLE is not KEY", SYNTAX_ERROR)
    attributes.diststyle, attributes.distkey = "key", name


def _table_attributes(sql: Sql, index: int, attributes: TableAttributes) -> list[Edit]:
    edits: list[Edit] = []
    while index < len(sql) and sql.norm(index) != "AS":
        word, start = sql.norm(index), index
        if word == "DISTSTYLE":
            _set_diststyle(sql, index + 1, attributes)
            index += 2
        elif word == "DISTKEY" and sql.norm(index + 1) == "(":
            end = sql.close(index + 1)
            if end != index + 3:
                raise StatementError("DISTKEY takes one column", SYNTAX_ERROR)
            _set_distkey(attributes, sql.tokens[index + 2].name)
            index = end + 1
        elif word in ("SORTKEY", "COMPOUND", "INTERLEAVED"):
            index = _sort_key(sql, index, attributes)
        elif word == "BACKUP" and sql.norm(index + 1) in ("YES", "NO"):
            attributes.backup = sql.norm(index + 1) == "YES"
            index += 2
        elif sql.norms(index, 2) == ("ENCODE", "AUTO"):
            index += 2
        else:
            raise StatementError(f'syntax error at or near "{sql.near(index)}"', SYNTAX_ERROR)
        edits.append(sql.cut(start, index))
    return edits


def _set_diststyle(sql: Sql, index: int, attributes: TableAttributes) -> None:
    style = sql.norm(index)
    if style not in ("KEY", "ALL", "EVEN", "AUTO"):
        raise StatementError(f'syntax error at or near "{sql.near(index)}"', SYNTAX_ERROR)
    if attributes.distkey and style != "KEY":
        raise StatementError("Cannot specify DISTKEY if DISTSTYLE is not KEY", SYNTAX_ERROR)
    attributes.diststyle = style.lower()


def _sort_key(sql: Sql, index: int, attributes: TableAttributes) -> int:
    kind = sql.norm(index)
    if kind != "SORTKEY":
        index += 1
    if attributes.sortkeys:
        raise StatementError("Can't specify more than one SORTKEY", SYNTAX_ERROR)
    if sql.norm(index + 1) == "AUTO":
        return index + 2
    if sql.norm(index + 1) != "(":
        raise StatementError(f'syntax error at or near "{sql.near(index + 1)}"', SYNTAX_ERROR)
    end = sql.close(index + 1)
    attributes.sorttype = "interleaved" if kind == "INTERLEAVED" else "compound"
    attributes.sortkeys = [sql.tokens[start].name for start, _ in sql.arguments(index + 1)]
    limit = MAX_INTERLEAVED if kind == "INTERLEAVED" else MAX_SORT_KEYS
    if len(attributes.sortkeys) > limit:
        raise StatementError(f"{kind} SORTKEY takes {limit} columns at most", SYNTAX_ERROR)
    return end + 1

"""CREATE TABLE: what PostgreSQL runs, and what only the catalogue remembers.

Source: "CREATE TABLE" and "CREATE TABLE AS" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.lexer import Edit, Sql, qualified
from redshift_stand_in.sql.tables.attributes import TableAttributes
from redshift_stand_in.sql.tables.column_definitions import columns


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
    """Parses a CREATE TABLE.

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
        raise sql.unexpected(index + 1)
    if sql.norm(index) == "(" and not _is_name_list(sql, index):
        edits += columns(sql, index, parts[-1], attributes)
        index = sql.close(index) + 1
    elif sql.norm(index) == "(":
        index = sql.close(index) + 1
    own = table_attributes(sql, index, attributes)
    if attributes.parent and (own or attributes.diststyle or attributes.sortkeys):
        raise StatementError(
            "CREATE TABLE … LIKE inherits distribution style, sort key and BACKUP: none may be said"
        )
    edits += own
    is_query = any(t.norm == "AS" and t.depth == 0 for t in sql.tokens[index:])
    return CreateTable(sql.edited(edits), qualified(parts), attributes, is_query, if_not_exists)


def query_of(statement: str) -> str:
    """The query of a CREATE TABLE AS."""
    sql = Sql(statement)
    return sql.rest(next(i for i, t in enumerate(sql.tokens) if t.norm == "AS" and not t.depth) + 1)


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


def table_attributes(sql: Sql, index: int, attributes: TableAttributes) -> list[Edit]:
    """Reads distribution, sort key and BACKUP up to AS; returns the edits that cut them out.

    Raises:
        StatementError: they contradict each other, or another word is among them.
    """
    edits: list[Edit] = []
    said: set[str] = set()
    while index < len(sql) and sql.norm(index) != "AS":
        word, start = sql.norm(index), index
        if word == "DISTSTYLE":
            _set_diststyle(sql, index + 1, attributes)
            index += 2
        elif word == "DISTKEY":
            index = _set_distkey(sql, index + 1, attributes)
        elif word in ("SORTKEY", "COMPOUND", "INTERLEAVED"):
            index = _sort_key(sql, index, attributes)
        elif word == "BACKUP" and sql.norm(index + 1) in ("YES", "NO"):
            attributes.backup = sql.norm(index + 1) == "YES"
            index += 2
        elif sql.norms(index, 2) == ("ENCODE", "AUTO"):
            index += 2
        else:
            raise sql.unexpected(index)
        if word in said:
            raise StatementError("conflicting or redundant options", SYNTAX_ERROR)
        said.add(word)
        edits.append(sql.cut(start, index))
    if attributes.diststyle == "key" and not attributes.distkey:
        raise StatementError("DISTSTYLE KEY requires a DISTKEY column", SYNTAX_ERROR)
    return edits


def _set_diststyle(sql: Sql, index: int, attributes: TableAttributes) -> None:
    style = sql.norm(index)
    if style not in ("KEY", "ALL", "EVEN", "AUTO"):
        raise sql.unexpected(index)
    attributes.set_diststyle(style.lower())


def _set_distkey(sql: Sql, index: int, attributes: TableAttributes) -> int:
    names, behind = sql.names(index)
    if len(names) > 1:
        raise StatementError("DISTKEY takes one column", SYNTAX_ERROR)
    attributes.set_distkey(names[0])
    return behind


def _sort_key(sql: Sql, index: int, attributes: TableAttributes) -> int:
    kind = sql.norm(index)
    if kind != "SORTKEY":
        index += 1
        if sql.norms(index, 2) != ("SORTKEY", "("):
            raise sql.unexpected(index + (sql.norm(index) == "SORTKEY"))
    if sql.norm(index + 1) == "AUTO":
        if attributes.sortkeys:
            raise StatementError("Can't specify more than one SORTKEY", SYNTAX_ERROR)
        return index + 2
    names, behind = sql.names(index + 1)
    attributes.set_sortkey("interleaved" if kind == "INTERLEAVED" else "compound", names)
    return behind

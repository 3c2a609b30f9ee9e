"""Materialized views: CREATE, ALTER, DROP and REFRESH MATERIALIZED VIEW.

Source: the pages of these commands in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.sql.lexer import Sql, qualified
from redshift_stand_in.sql.materialized import queries
from redshift_stand_in.sql.tables import create_table
from redshift_stand_in.sql.tables.attributes import TableAttributes


@dataclass(frozen=True)
class MaterializedView:
    """A parsed CREATE MATERIALIZED VIEW.

    Attributes:
        name: quoted and qualified.
        parts: the parts of its name.
        attributes: of the table that holds its rows.
        auto_refresh: AUTO REFRESH YES was given.
        body: the query, expressions not yet rewritten.
        text: the statement.
        recomputed_for: why it cannot be refreshed incrementally; None if it can.
        mutable: whether its result depends on when it is computed.
        serves_rewriting: whether Redshift may use it for queries that do not name it.
    """

    name: str
    parts: list[str]
    attributes: TableAttributes
    auto_refresh: bool
    body: str
    text: str
    recomputed_for: str | None
    mutable: bool
    serves_rewriting: bool


@dataclass(frozen=True)
class Drop:
    """A parsed DROP MATERIALIZED VIEW.

    Attributes:
        names: quoted and qualified.
        if_exists: those that do not exist are passed over.
        cascade: what depends on them goes too.
    """

    names: list[str]
    if_exists: bool
    cascade: bool


def storage(parts: list[str]) -> list[str]:
    """The name of the table that holds a materialized view's rows, as on a cluster."""
    return [*parts[:-1], f"mv_tbl__{parts[-1]}__0"]


def parse(sql: Sql) -> MaterializedView:
    """Parses a CREATE MATERIALIZED VIEW, whose form has been checked.

    Raises:
        StatementError: Redshift refuses it.
    """
    parts, index = sql.table_name(3)
    start = next(i for i in range(index, len(sql)) if sql.norm(i) == "AS") + 1
    refresh = start - 4 if sql.norms(start - 4, 2) == ("AUTO", "REFRESH") else start - 1
    query = Sql(sql.rest(start))
    queries.check(query)
    return MaterializedView(
        name=qualified(parts),
        parts=parts,
        attributes=_attributes(Sql(sql.between(index, refresh))),
        auto_refresh=refresh < start - 1 and sql.norm(start - 2) == "YES",
        body=query.text,
        text=sql.text,
        recomputed_for=queries.recomputed_for(query),
        mutable=queries.is_mutable(query),
        serves_rewriting=queries.serves_rewriting(query),
    )


def _attributes(sql: Sql) -> TableAttributes:
    """Its distribution and sort key; the default is EVEN, other than a table's."""
    attributes = TableAttributes()
    create_table.table_attributes(sql, 0, attributes)
    attributes.diststyle = attributes.diststyle or "even"
    return attributes


def parse_drop(sql: Sql) -> Drop:
    """Parses a DROP MATERIALIZED VIEW, whose form has been checked."""
    if_exists = sql.norms(3, 2) == ("IF", "EXISTS")
    names, index = [], 5 if if_exists else 3
    while index < len(sql) and sql.norm(index) not in ("CASCADE", "RESTRICT"):
        parts, index = sql.table_name(index)
        names.append(qualified(parts))
        index += sql.norm(index) == ","
    return Drop(names, if_exists, sql.norm(len(sql) - 1) == "CASCADE")


def is_meant(sql: Sql) -> bool:
    """Whether a statement defines, changes or refreshes a materialized view."""
    return sql.norms(1, 2) == ("MATERIALIZED", "VIEW")

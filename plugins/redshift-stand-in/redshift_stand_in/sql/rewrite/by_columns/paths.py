"""Paths into SUPER values: ``c.c_orders[0].date`` becomes calls of the catalogue's function.

Source: "Navigation" in "Querying semi-structured data" in the Amazon Redshift Database Developer
Guide.
"""

from __future__ import annotations

from redshift_stand_in.sql import selects
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Edit, Sql, quote
from redshift_stand_in.sql.rewrite.by_columns import chains
from redshift_stand_in.sql.rewrite.by_columns.chains import Chain, Known
from redshift_stand_in.sql.rewrite.by_columns.scope import Item, Scope
from redshift_stand_in.sql.selects import Select
from redshift_stand_in.sql.words import words

_IN_CASTS = frozenset(["::", "(", ")", ",", "0"])
#: Words that follow a value, and are no part of a type.
_NO_TYPE = words("IS IN AND OR NOT LIKE ILIKE SIMILAR BETWEEN AT COLLATE OVER")


def are_in(sql: Sql) -> bool:
    """Whether a statement has a path, or iterates over a SUPER value."""
    if " . " not in sql.shape and "[" not in sql.shape:
        return False
    write = selects.write(sql)
    readers = [*selects.find(sql), *([write] if write else [])]
    found = any(_uses_super(sql, reader) for reader in readers)
    return found and not leader.reads_catalogue_only(sql)


def _uses_super(sql: Sql, select: Select) -> bool:
    names = chains.known(sql, select)
    if names.elements or any(s.is_function and s.parts == ("unnest",) for s in select.sources):
        return True
    return any(_is_path(sql, c, names) for c in chains.own(sql, select))


def _is_path(sql: Sql, chain: Chain, names: Known) -> bool:
    return len(chain.steps) > chains.base(sql, chain, names)


def rewrite(scope: Scope) -> str:
    """Rewrites the paths of a SELECT, or of an UPDATE or DELETE."""
    sql, select = scope.sql, scope.select
    if leader.reads_catalogue_only(sql):
        return sql.text
    names = chains.known(sql, select)
    found = [c for c in chains.own(sql, select) if _is_path(sql, c, names)]
    return sql.edited([sql.cut(c.start, c.end, chains.expression(sql, c, names)) for c in found])


def name(scope: Scope) -> str:
    """Calls the columns of a SELECT that are paths, or casts of them, by their last names.

    The names are no aliases: the other items cannot use them.
    """
    sql = scope.sql
    if "REDSHIFT_AT" not in sql.words:
        return sql.text
    return sql.edited([edit for item in scope.items() for edit in _alias(sql, item)])


def _is_cast(sql: Sql, first: int, behind: int) -> bool:
    """Whether nothing stands between two tokens, or casts alone."""
    rest = sql.tokens[first:behind]
    if rest and rest[0].norm != "::":
        return False
    return all(t.norm in _IN_CASTS or (t.kind == "word" and t.norm not in _NO_TYPE) for t in rest)


def _alias(sql: Sql, item: Item) -> list[Edit]:
    if item.is_aliased or sql.norms(item.start, 3) != ("PG_CATALOG", ".", "REDSHIFT_AT"):
        return []
    end = sql.close(item.start + 3) + 1
    if not _is_cast(sql, end, item.end):
        return []
    steps = [t.value for t in sql.tokens[item.start : end] if t.kind == "string"]
    base = [t.name for t in sql.tokens[item.start : end] if t.kind == "quoted"]
    place = sql.tokens[item.end - 1].end
    return [(place, place, f" as {quote([*base, *steps][-1])}")]

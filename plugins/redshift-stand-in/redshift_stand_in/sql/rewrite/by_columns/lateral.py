"""Lateral aliases: a name that the SELECT list has given, used further on in the same SELECT.

Redshift puts the expression in its place, unless a column of what the SELECT reads has that name.

Source: "SELECT list" in the Amazon Redshift Database Developer Guide; in WHERE, GROUP BY, HAVING
and QUALIFY, as its users write it.
"""

from __future__ import annotations

from collections.abc import Iterator

from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Edit, Sql, quote
from redshift_stand_in.sql.rewrite.by_columns.scope import Item, Scope, items
from redshift_stand_in.sql.selects import Select
from redshift_stand_in.sql.words import words

_CLAUSES = ("WHERE", "GROUP", "HAVING", "QUALIFY")
_PART_CALLS = words("EXTRACT DATEADD DATE_ADD DATEDIFF DATE_DIFF DATE_PART DATEPART")
#: Keywords: a name that is spelled like one must be quoted.
_KEYWORDS = words(
    "ALL AND ANY AS ASC AT BETWEEN BOTH BY CASE CAST COLLATE CROSS CURRENT CURRENT_DATE "
    "CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DESC DISTINCT ELSE END ESCAPE EXCEPT EXISTS FALSE "
    "FOLLOWING FOR FROM FULL GROUP HAVING IGNORE ILIKE IN INNER INTERSECT INTERVAL INTO IS JOIN "
    "LEADING LEFT LIKE LIMIT MINUS NATURAL NOT NULL NULLS OFFSET ON OR ORDER OUTER OVER PARTITION "
    "PRECEDING QUALIFY RESPECT RIGHT SELECT SESSION_USER SIMILAR SOME SYSDATE THEN TO TOP TRAILING "
    "TRUE UNBOUNDED UNION USER USING WHEN WHERE WITH WITHIN"
)
#: Further words of a type, or of AT TIME ZONE, by the words before them.
_FURTHER = {
    "WITHOUT": words("TIME TIMESTAMP"),
    "TIME": words("AT WITH WITHOUT"),
    "ZONE": words("TIME"),
    "VARYING": words("BINARY CHAR CHARACTER NCHAR"),
    "PRECISION": words("DOUBLE"),
}
_FRAME = words("UNBOUNDED BETWEEN CURRENT 0")
_NO_NAME_BEHIND = frozenset([".", "AS", "::", "NULLS", "'"])
_NO_NAME_BEFORE = frozenset([".", "(", "'"])


def is_in(sql: Sql, select: Select) -> bool:
    """Whether a SELECT uses a name that its list has given, or a column of the same name."""
    listed = items(sql, select)
    if not any(item.is_aliased for item in listed):
        return False
    given: set[str] = set()
    own = set(selects.own_tokens(select, selects.find(sql)))
    for item in listed:
        if given and any(_is_use(sql, i, given, own) for i in range(item.start, item.end)):
            return True
        if item.is_aliased:
            given.add(item.name)
    return bool(given) and any(_is_use(sql, i, given, own) for i in _behind(sql, select))


def rewrite(scope: Scope) -> str:
    """Replaces names by the expressions that they stand for."""
    sql = scope.sql
    if not is_in(sql, scope.select):
        return sql.text
    columns = scope.read()
    if columns is None:
        return sql.text
    own = set(selects.own_tokens(scope.select, selects.find(sql)))
    given: dict[str, str] = {}
    edits: list[Edit] = []
    for item in scope.items():
        new = _item_edits(sql, item, given, own)
        edits += new
        if item.is_aliased and item.name not in columns:
            given.setdefault(item.name, _edited(sql, item, new))
    edits += _edits(sql, _behind(sql, scope.select), given, own)
    return sql.edited(edits)


def _item_edits(sql: Sql, item: Item, given: dict[str, str], own: set[int]) -> list[Edit]:
    edits = _edits(sql, range(item.start, item.end), given, own)
    first = sql.tokens[item.start]
    alone = item.end == item.start + 1 or sql.norm(item.start + 1) == "::"
    if alone and not item.is_aliased and edits and edits[0][0] == first.start:
        place = sql.tokens[item.end - 1].end
        edits.append((place, place, f" as {quote(first.name)}"))
    return edits


def _edited(sql: Sql, item: Item, edits: list[Edit]) -> str:
    """The expression of an item, its own names resolved."""
    start, end = sql.tokens[item.start].start, sql.tokens[item.end - 1].end
    text = sql.text[start:end]
    for first, behind, new in sorted(edits, reverse=True):
        text = text[: first - start] + new + text[behind - start :]
    return f"({text})"


def _edits(
    sql: Sql, places: Iterator[int] | range, given: dict[str, str], own: set[int]
) -> list[Edit]:
    names = set(given)
    return [
        sql.cut(i, i + 1, given[sql.tokens[i].name]) for i in places if _is_use(sql, i, names, own)
    ]


def _behind(sql: Sql, select: Select) -> Iterator[int]:
    """The tokens of the clauses after FROM, but no lone name of GROUP BY: PostgreSQL knows it."""
    for word in _CLAUSES:
        first, behind = select.clause(word)
        for i in range(first, behind):
            ends = (",", "BY", "GROUP", "")
            alone = sql.norm(i - 1) in ends and (i + 1 == behind or sql.norm(i + 1) in ends)
            if word != "GROUP" or not alone:
                yield i


def _is_use(sql: Sql, i: int, names: set[str], own: set[int]) -> bool:
    token = sql.tokens[i]
    if not token.is_name or token.name not in names or i not in own:
        return False
    before, behind = sql.norm(i - 1), sql.norm(i + 1)
    framed = before == "CURRENT" or (token.norm == "ROWS" and behind in _FRAME)
    if framed or token.norm in _KEYWORDS or before in _FURTHER.get(token.norm, ()):
        return False
    if before in _NO_NAME_BEHIND or behind in _NO_NAME_BEFORE:
        return False
    return before != "(" or sql.norm(i - 2) not in _PART_CALLS

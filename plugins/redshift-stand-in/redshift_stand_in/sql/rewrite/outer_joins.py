"""The outer join of Oracle: ``a.x = b.x (+)`` in WHERE becomes a LEFT JOIN of ``b``.

Source: "WHERE clause", "Oracle-style outer joins", in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from redshift_stand_in.errors import SYNTAX_ERROR, NotInStandIn, StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Edit, Sql, quote
from redshift_stand_in.sql.selects import Select

_MARK = ("(", "+", ")")


@dataclass(frozen=True)
class _Condition:
    """A part of a WHERE clause between two ANDs.

    Attributes:
        text: without its marks.
        optional: the table that is marked in it; empty when none is.
        tables: those that it names.
    """

    text: str
    optional: str
    tables: frozenset[str]


def rewrite(sql: Sql) -> Sql:
    """Rewrites the SELECTs that have marks in their WHERE clauses, the innermost first.

    Raises:
        StatementError: a mark stands where Redshift does not take it.
    """
    while "+" in sql.text and " ".join(_MARK) in sql.shape:
        marked = [s for s in selects.find(sql) if _marks(sql, *s.clause("WHERE"))]
        if not marked:
            raise StatementError('syntax error at or near ")"', SYNTAX_ERROR)
        sql = Sql(sql.edited(_edits(sql, marked[-1])))
    return sql


def _marks(sql: Sql, first: int, behind: int) -> list[int]:
    return [i for i in range(first, behind) if sql.norms(i, 3) == _MARK]


def _edits(sql: Sql, select: Select) -> list[Edit]:
    first, behind = select.clause("FROM")
    parts = _split(sql, select, first, behind, ",")
    if len(parts) != len(select.sources):
        raise StatementError("The operator (+) and JOIN cannot stand in one query block")
    aliases = [source.alias for source in select.sources]
    tables = dict(zip(aliases, (sql.between(*part) for part in parts), strict=True))
    where, end = select.clause("WHERE")
    conditions = [
        _condition(sql, *part, frozenset(tables)) for part in _split(sql, select, where, end, "AND")
    ]
    joined, order = _joined(tables, conditions)
    kept = [c.text for c in conditions if not c.optional]
    edits = [
        sql.cut(first, behind, joined),
        sql.cut(where - 1, end, f"where {' and '.join(kept)}" if kept else ""),
    ]
    if order != aliases:
        stars = ", ".join(f"{quote(alias)}.*" for alias in aliases)
        edits += [sql.cut(i, i + 1, stars) for i in _stars(sql, select)]
    return edits


def _split(sql: Sql, select: Select, first: int, behind: int, word: str) -> list[tuple[int, int]]:
    """The parts of a clause; the AND of a BETWEEN does not split it."""
    cuts, between = [first - 1], False
    for i in range(first, behind):
        if sql.tokens[i].depth != select.depth:
            continue
        if sql.norm(i) == word and not between:
            cuts.append(i)
        between = sql.norm(i) == "BETWEEN" or (between and sql.norm(i) != "AND")
    return [(a + 1, b) for a, b in pairwise([*cuts, behind])]


def _condition(sql: Sql, first: int, behind: int, tables: frozenset[str]) -> _Condition:
    marks = _marks(sql, first, behind)
    named = {
        sql.tokens[i].name
        for i in range(first, behind - 1)
        if sql.tokens[i].is_name and sql.norm(i + 1) == "." and sql.tokens[i].name in tables
    }
    if not marks:
        return _Condition(sql.between(first, behind), "", frozenset(named))
    if any(sql.norm(i - 2) != "." for i in marks):
        raise NotInStandIn("The operator (+) behind a column without its table's name is")
    optional = {sql.tokens[i - 3].name for i in marks}
    words = {t.norm for t in sql.tokens[first:behind]}
    if len(optional) > 1 or not optional <= tables or words & {"OR", "SELECT"}:
        raise StatementError(
            "The operator (+) is for one table of a condition, without OR and without a subquery"
        )
    start = sql.tokens[first].start
    text = sql.between(first, behind)
    for i in reversed(marks):
        text = text[: sql.tokens[i].start - start] + text[sql.tokens[i + 2].end - start :]
    return _Condition(text, optional.pop(), frozenset(named))


def _joined(tables: dict[str, str], conditions: list[_Condition]) -> tuple[str, list[str]]:
    """The FROM clause, and the order of its tables."""
    optional = {c.optional for c in conditions if c.optional}
    order = [alias for alias in tables if alias not in optional]
    text = " cross join ".join(tables[alias] for alias in order)
    while len(order) < len(tables):
        for alias in tables:
            own = [c for c in conditions if c.optional == alias]
            if alias not in order and all(c.tables - {alias} <= set(order) for c in own) and order:
                on = " and ".join(c.text for c in own)
                text += f" left join {tables[alias]} on {on}"
                order.append(alias)
                break
        else:
            raise StatementError("Two tables cannot be outer-joined to each other by (+)")
    return text, order


def _stars(sql: Sql, select: Select) -> list[int]:
    """The stars of its list that stand for all columns."""
    behind = min([*select.clauses.values(), select.end])
    return [
        i
        for i in range(select.start + 1, behind)
        if sql.norm(i) == "*"
        and sql.tokens[i].depth == select.depth
        and sql.norm(i - 1) in ("SELECT", "DISTINCT", "ALL", ",")
    ]

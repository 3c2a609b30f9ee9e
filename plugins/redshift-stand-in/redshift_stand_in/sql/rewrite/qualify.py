"""QUALIFY, which PostgreSQL does not have.

``select LIST from … qualify COND order by …`` becomes ``select NAMES from (select LIST, COND as
rs_qualified from …) as rs_rows where rs_qualified order by …``. A star in the list is carried
through the inner query as whole rows, so that the helper column does not show.

Source: "QUALIFY clause" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from redshift_stand_in.errors import SYNTAX_ERROR, NotInStandIn, StatementError
from redshift_stand_in.sql.lexer import Sql, quote

_TAIL = frozenset(["ORDER", "LIMIT", "OFFSET", "UNION", "EXCEPT", "INTERSECT", "MINUS"])
_FROM_END = frozenset(["WHERE", "GROUP", "HAVING", "QUALIFY"])
_JOIN_WORDS = frozenset(["JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "ON"])


@dataclass(frozen=True)
class _Select:
    """Token positions of the SELECT that a QUALIFY belongs to."""

    select: int
    source: int
    qualify: int
    condition_end: int


def rewrite_at(sql: Sql, index: int) -> str:
    """Rewrites the SELECT whose QUALIFY stands at token ``index``.

    Raises:
        StatementError: no SELECT belongs to it, or its list cannot be carried through.
    """
    found = _find(sql, index)
    if found is None:
        return sql.text
    distinct = sql.norm(found.select + 1) == "DISTINCT"
    first = found.select + (2 if distinct else 1)
    inner, outer = _lists(sql, first, found)
    condition = sql.between(found.qualify + 1, found.condition_end)
    body = sql.between(found.source, found.qualify)
    new = (
        f"select {'distinct ' if distinct else ''}{', '.join(outer)} from (select "
        f"{', '.join(inner)}, "
        f"({condition}) as rs_qualified {body}) as rs_rows where rs_qualified"
    )
    return sql.edited([sql.cut(found.select, found.condition_end, new)])


def _find(sql: Sql, index: int) -> _Select | None:
    depth = sql.tokens[index].depth
    same = [i for i in range(index) if sql.tokens[i].depth == depth]
    select = None
    for i in reversed(same):
        if sql.tokens[i].depth == depth and sql.norm(i) == "SELECT":
            select = i
            break
    if select is None or any(t.depth < depth for t in sql.tokens[select:index]):
        return None
    source = next((i for i in same if i > select and sql.norm(i) == "FROM"), None)
    if source is None:
        raise StatementError('syntax error at or near "QUALIFY"', SYNTAX_ERROR)
    end = index + 1
    while end < len(sql):
        token = sql.tokens[end]
        if token.depth < depth or (token.depth == depth and token.norm in _TAIL):
            break
        end += 1
    return _Select(select, source, index, end)


def _lists(sql: Sql, first: int, found: _Select) -> tuple[list[str], list[str]]:
    """The inner query's SELECT list and the outer one's."""
    inner: list[str] = []
    outer: list[str] = []
    for number, (start, behind) in enumerate(_items(sql, first, found.source)):
        item = sql.between(start, behind)
        if item == "*":
            tables = _sources(sql, found.source + 1, found.qualify)
        elif sql.norm(behind - 1) == "*" and sql.norm(behind - 2) == ".":
            tables = [sql.tokens[behind - 3].name]
        else:
            name = _label(sql, start, behind)
            inner.append(
                item if _has_alias(sql, start, behind, name) else f"{item} as {quote(name)}"
            )
            outer.append(f"rs_rows.{quote(name)}")
            continue
        for position, table in enumerate(tables):
            helper = f"rs_row_{number}_{position}"
            inner.append(f"{quote(table)} as {helper}")
            outer.append(f"(rs_rows.{helper}).*")
    return inner, outer


def _items(sql: Sql, first: int, behind: int) -> list[tuple[int, int]]:
    depth = sql.tokens[first].depth
    cuts = [i for i in range(first, behind) if sql.norm(i) == "," and sql.tokens[i].depth == depth]
    edges = [first - 1, *cuts, behind]
    return [(a + 1, b) for a, b in pairwise(edges)]


def _label(sql: Sql, start: int, behind: int) -> str:
    """The name of an output column, as PostgreSQL would choose it."""
    last = sql.tokens[behind - 1]
    if behind - start == 1 or sql.norm(behind - 2) in ("AS", "."):
        if last.is_name:
            return last.name
    elif last.is_name and last.norm != "END" and sql.norm(behind - 2) != "::":
        return last.name
    if sql.tokens[start].is_name and sql.norm(start + 1) == "(":
        return sql.tokens[start].name
    raise NotInStandIn("An expression without an alias in a SELECT with QUALIFY is")


def _has_alias(sql: Sql, start: int, behind: int, name: str) -> bool:
    last = sql.tokens[behind - 1]
    if behind - start == 1 or not last.is_name or last.name != name:
        return False
    return sql.norm(behind - 2) != "."


def _sources(sql: Sql, first: int, qualify: int) -> list[str]:
    """The names by which the FROM clause's tables are known, in order."""
    depth = sql.tokens[first].depth
    behind = next(
        (
            i
            for i in range(first, qualify)
            if sql.tokens[i].depth == depth and sql.norm(i) in _FROM_END
        ),
        qualify,
    )
    names: list[str] = []
    i = first
    expected = True
    while i < behind:
        token = sql.tokens[i]
        if token.norm in ("USING", "NATURAL"):
            raise NotInStandIn("QUALIFY with * over JOIN … USING is")
        if token.norm == "," or token.norm == "JOIN":
            expected = True
        elif expected and (token.norm == "(" or token.is_name):
            name, i = _source(sql, i, behind)
            names.append(name)
            expected = False
            continue
        elif token.norm == "(":
            i = sql.close(i)
        i += 1
    return names


def _source(sql: Sql, i: int, behind: int) -> tuple[str, int]:
    if sql.norm(i) == "(":
        i = sql.close(i) + 1
        own = None
    else:
        parts, i = sql.table_name(i)
        own = parts[-1]
    if sql.norm(i) == "AS":
        i += 1
    following = sql.tokens[i] if i < behind else None
    keywords = _JOIN_WORDS | _FROM_END | {"USING", "NATURAL"}
    if following is not None and following.is_name and following.norm not in keywords:
        return following.name, i + 1
    if own is None:
        raise NotInStandIn("QUALIFY with * over a derived table without an alias is")
    return own, i

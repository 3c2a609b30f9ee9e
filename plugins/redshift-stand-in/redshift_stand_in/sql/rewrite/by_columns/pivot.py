"""PIVOT and UNPIVOT after a table or a subquery of the FROM clause.

``t PIVOT (sum(x) FOR c IN (1, 2 AS two))`` becomes a subquery that groups by the other columns and
has an aggregate over a CASE for each value; UNPIVOT becomes one that joins the names and values of
the listed columns.

Source: "PIVOT and UNPIVOT examples" and "FROM clause" in the Amazon Redshift Database Developer
Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import UNDEFINED_COLUMN, NotInRedshift, StatementError
from redshift_stand_in.sql.lexer import Sql, literal, quote
from redshift_stand_in.sql.rewrite.by_columns.scope import Scope
from redshift_stand_in.sql.selects import Source
from redshift_stand_in.sql.words import words

_AGGREGATES = words("AVG COUNT MAX MIN SUM")
_WORDS = ("PIVOT", "UNPIVOT")


def rewrite(scope: Scope) -> str:
    """Rewrites the PIVOT or UNPIVOT of a SELECT's FROM clause.

    Raises:
        StatementError: it is not of Redshift's form, or follows a join.
    """
    sql, select = scope.sql, scope.select
    first, behind = select.clause("FROM")
    places = [
        i
        for i in range(first, behind)
        if sql.norm(i) in _WORDS and sql.tokens[i].depth == select.depth and _opening(sql, i)
    ]
    if not places:
        return sql.text
    if len(places) > 1 or len(select.sources) != 1:
        raise NotInRedshift(f"{sql.norm(places[0])} of a join, or of another PIVOT, is")
    place = places[0]
    end = sql.close(_opening(sql, place)) + 1
    source = sql.between(first, place)
    columns = scope.columns(f"{scope.with_clause()}select * from {source}")
    if columns is None:
        # PostgreSQL reports what is wrong with the source.
        return sql.edited([sql.cut(place, behind)])
    make = _pivoted if sql.norm(place) == "PIVOT" else _unpivoted
    query = make(sql, place, source, columns, select.sources[0])
    alias = sql.between(end, behind) or f"as rs_{sql.norm(place).lower()}"
    return sql.edited([sql.cut(first, behind, f"({query}) {alias}")])


def _opening(sql: Sql, place: int) -> int:
    """The index of the parenthesis after PIVOT or UNPIVOT; 0 where that is a name."""
    for i in (place + 1, place + 3):
        if sql.norm(i) == "(" and (i == place + 1 or sql.norm(place + 2) == "NULLS"):
            return i
    return 0


def _pivoted(sql: Sql, place: int, source: str, columns: list[str], _: Source) -> str:
    opening = place + 1
    depth, end = sql.tokens[opening].depth + 1, sql.close(opening)
    word = _index(sql, "FOR", opening, end, depth)
    call, suffix = _aggregate(sql, opening + 1, word)
    pivot, values = _in_list(sql, word, end)
    used = {t.name for t in sql.tokens[opening + 1 : word] if t.is_name} | {pivot}
    kept = [quote(name) for name in columns if name not in used]
    if pivot not in columns:
        raise StatementError(f'column "{pivot}" does not exist', UNDEFINED_COLUMN)
    listed = kept + [
        f"{call.format(f'{quote(pivot)} is not distinct from {value}')} as {quote(name + suffix)}"
        for value, name in values
    ]
    grouped = f" group by {', '.join(kept)}" if kept else ""
    return f"select {', '.join(listed)} from {source}{grouped}"


def _aggregate(sql: Sql, first: int, behind: int) -> tuple[str, str]:
    """The aggregate with a place for a condition, and what its alias adds to the names."""
    if sql.norm(first) not in _AGGREGATES or sql.norm(first + 1) != "(":
        raise NotInRedshift(
            f"PIVOT with another aggregate than {', '.join(sorted(_AGGREGATES))} is"
        )
    end = sql.close(first + 1)
    value = "1" if sql.norm(first + 2) == "*" else sql.between(first + 2, end)
    distinct = sql.norm(first + 2) == "DISTINCT"
    if distinct:
        raise NotInRedshift("DISTINCT in the aggregate of PIVOT is")
    last = sql.tokens[behind - 1]
    alias = end + 1 + (sql.norm(end + 1) == "AS")
    if alias < behind and not (alias == behind - 1 and last.is_name):
        raise sql.unexpected(end + 1)
    suffix = f"_{last.name}" if alias < behind else ""
    value = value.replace("{", "{{").replace("}", "}}")
    return f"{sql.near(first)}(case when {{}} then {value} end)", suffix


def _in_list(sql: Sql, word: int, end: int) -> tuple[str, list[tuple[str, str]]]:
    """The column after FOR, and the expressions after IN with their names."""
    if not sql.tokens[word + 1].is_name or sql.norms(word + 2, 2) != ("IN", "("):
        raise sql.unexpected(word + 2)
    if sql.close(word + 3) != end - 1 or sql.norm(word + 4) in ("SELECT", "WITH"):
        raise sql.unexpected(word + 4)
    found = []
    for start, behind in sql.arguments(word + 3):
        last = sql.tokens[behind - 1]
        named = behind - start > 1 and last.is_name and sql.norm(behind - 2) != "::"
        cut = behind - 1 - (sql.norm(behind - 2) == "AS") if named else behind
        name = last.name if named else _default_name(sql, start, behind)
        found.append((sql.between(start, cut), name))
    return sql.tokens[word + 1].name, found


def _default_name(sql: Sql, start: int, behind: int) -> str:
    token = sql.tokens[start]
    if behind - start > 1:
        return "?column?"
    return token.value.lower() if token.kind == "string" else token.text.lower().strip('"')


def _unpivoted(sql: Sql, place: int, source: str, columns: list[str], read: Source) -> str:
    opening = _opening(sql, place)
    depth, end = sql.tokens[opening].depth + 1, sql.close(opening)
    word = _index(sql, "FOR", opening, end, depth)
    value = sql.tokens[word - 1].name
    name, pairs = _in_list(sql, word, end)
    listed = [Sql(expression).tokens[0].name for expression, _ in pairs]
    for column in listed:
        if column not in columns:
            raise StatementError(f'column "{column}" does not exist', UNDEFINED_COLUMN)
    alias = quote(read.alias) if read.alias else "rs_source"
    rows = ", ".join(
        f"({literal(label)}::varchar, {alias}.{quote(column)})"
        for column, (_, label) in zip(listed, pairs, strict=True)
    )
    kept = [f"{alias}.{quote(column)}" for column in columns if column not in listed]
    nulls = (
        "" if sql.norm(place + 1) == "INCLUDE" else f" where rs_pairs.{quote(value)} is not null"
    )
    return (
        f"select {', '.join([*kept, f'rs_pairs.{quote(name)}', f'rs_pairs.{quote(value)}'])} "
        f"from {source}{'' if read.alias else f' as {alias}'} cross join lateral "
        f"(values {rows}) as rs_pairs ({quote(name)}, {quote(value)}){nulls}"
    )


def _index(sql: Sql, word: str, opening: int, end: int, depth: int) -> int:
    for i in range(opening + 1, end):
        if sql.norm(i) == word and sql.tokens[i].depth == depth:
            return i
    raise sql.unexpected(opening)

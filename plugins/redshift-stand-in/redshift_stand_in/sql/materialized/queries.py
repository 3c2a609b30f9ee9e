"""What a materialized view's query may not have, and how it can be refreshed.

Sources: "CREATE MATERIALIZED VIEW" (limitations), "REFRESH MATERIALIZED VIEW" (limitations for
incremental refresh) and "Automatic query rewriting to use materialized views" in the Amazon
Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from redshift_stand_in.errors import NotInRedshift
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.words import words

_ORDERED = ("ORDER", "LIMIT", "OFFSET")
_SET_OPERATIONS = words("UNION INTERSECT EXCEPT MINUS")
_OUTER = frozenset(["LEFT", "RIGHT", "FULL"])
_AGGREGATES = words(
    "MEDIAN PERCENTILE_CONT PERCENTILE_DISC LISTAGG STDDEV STDDEV_SAMP STDDEV_POP VARIANCE "
    "VAR_SAMP VAR_POP BIT_AND BIT_OR BOOL_AND BOOL_OR"
)
#: What returns another result for the same arguments.
_MUTABLE = words("CURRENT_DATE GETDATE SYSDATE TIMEOFDAY TO_TIMESTAMP RANDOM DATE_CMP_TIMESTAMPTZ")


def check(query: Sql) -> None:
    """Refuses what no materialized view can be defined with.

    Raises:
        StatementError: with the clause, the relation or the function.
    """
    for word in _ordering(query):
        raise NotInRedshift(f"{word} in a materialized view is")
    common = selects.common_tables(query)
    for select in selects.find(query):
        for source in select.sources:
            own = source.is_function or (len(source.parts) == 1 and source.parts[0] in common)
            if source.parts and not own and leader.kind(source.parts) != "user":
                raise NotInRedshift(f"{source.parts[-1]} in a materialized view is")
    if name := leader.functions(query):
        raise NotInRedshift(f"{min(name)} in a materialized view is")


def is_mutable(query: Sql) -> bool:
    """Whether it calls what returns another result for the same arguments."""
    return any(
        t.norm in _MUTABLE and t.kind == "word" and query.norm(i - 1) not in (".", "AS")
        for i, t in enumerate(query.tokens)
    )


def recomputed_for(query: Sql) -> str | None:
    """Why it cannot be refreshed incrementally; None if it can."""
    reasons = {
        "an outer join": _outer_join(query),
        "a set operation": _set_operation(query),
        "an aggregate function": bool(_called(query) & _AGGREGATES) or "APPROXIMATE" in query.words,
        "a DISTINCT aggregate function": _distinct_aggregate(query),
        "a window function": "OVER" in query.words,
        "a subquery outside of FROM": _subquery_outside_from(query),
        "a mutable function": is_mutable(query),
    }
    return next((reason for reason, found in reasons.items() if found), None)


def serves_rewriting(query: Sql) -> bool:
    """Whether Redshift may use it for queries that do not name it."""
    if len(selects.find(query)) > 1 or recomputed_for(query):
        return False
    return "HAVING" not in query.words and not _selects_distinct(query)


def _ordering(query: Sql) -> Iterator[str]:
    """The words that order or limit a result; a window and WITHIN GROUP may be ordered."""
    for select in selects.find(query):
        yield from (word for word in _ORDERED if word in select.clauses)
        if query.norm(select.start + 1) == "TOP":
            yield "TOP"
    yield from (t.norm for t in query.tokens if t.depth == 0 and t.norm in _ORDERED)


def _called(query: Sql) -> frozenset[str]:
    return frozenset(t.norm for i, t in enumerate(query.tokens) if query.norm(i + 1) == "(")


def _outer_join(query: Sql) -> bool:
    return any(
        t.norm in _OUTER and query.norm(i + 1) in ("JOIN", "OUTER")
        for i, t in enumerate(query.tokens)
    )


def _set_operation(query: Sql) -> bool:
    """UNION ALL is none, unless it stands in a subquery of a query that aggregates."""
    aggregates = "GROUP" in query.words
    return any(
        t.norm in _SET_OPERATIONS and (query.norm(i + 1) != "ALL" or (t.depth > 0 and aggregates))
        for i, t in enumerate(query.tokens)
    )


def _distinct_aggregate(query: Sql) -> bool:
    return any(
        t.norm == "DISTINCT" and query.norm(i - 1) == "(" for i, t in enumerate(query.tokens)
    )


def _selects_distinct(query: Sql) -> bool:
    return any(query.norm(s.start + 1) == "DISTINCT" for s in selects.find(query))


def _subquery_outside_from(query: Sql) -> bool:
    """Whether a SELECT stands in another one, but not as one of its sources."""
    for select in selects.find(query):
        if select.parent is None:
            continue
        first, behind = select.parent.clause("FROM")
        if not first <= select.start < behind:
            return True
    return False

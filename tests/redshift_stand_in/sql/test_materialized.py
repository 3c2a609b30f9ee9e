"""How a materialized view's query can be refreshed, and whether Redshift rewrites queries to it."""

# ruff: noqa: E501 - statements are read in one line

from __future__ import annotations

import pytest
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.materialized import queries
from redshift_stand_in.sql.materialized.statements import parse, parse_drop

INCREMENTAL = (
    "select a, b from t",
    "select a, sum(b), count(*), min(b), max(b), avg(b) from t where a > 0 group by a having count(*) > 1",
    "select t.a from t join u on t.a = u.a",
    "select a from (select a from t) q",
    "select a from t union all select a from u",
    "select distinct a from t",
)
RECOMPUTED = {
    "select t.a from t left join u on t.a = u.a": "an outer join",
    "select t.a from t full outer join u on t.a = u.a": "an outer join",
    "select a from t union select a from u": "a set operation",
    "select a from t minus select a from u": "a set operation",
    "select a, count(*) from (select a from t union all select a from u) q group by a": "a set operation",
    "select median(a) from t": "an aggregate function",
    "select approximate count(distinct a) from t": "an aggregate function",
    "select count(distinct a) from t": "a DISTINCT aggregate function",
    "select row_number() over (order by a) from t": "a window function",
    "select a from t where a in (select a from u)": "a subquery outside of FROM",
    "select (select max(a) from u) as m from t": "a subquery outside of FROM",
    "select a, getdate() as g from t": "a mutable function",
    "select a, current_date as g from t": "a mutable function",
}


@pytest.mark.parametrize("query", INCREMENTAL)
def test_what_is_refreshed_incrementally(query: str) -> None:
    assert queries.recomputed_for(Sql(query)) is None


@pytest.mark.parametrize(("query", "reason"), RECOMPUTED.items())
def test_what_is_recomputed(query: str, reason: str) -> None:
    assert queries.recomputed_for(Sql(query)) == reason
    assert not queries.serves_rewriting(Sql(query))


def test_a_column_is_no_mutable_function() -> None:
    assert not queries.is_mutable(Sql("select t.random, a as getdate from t"))


@pytest.mark.parametrize(
    ("query", "serves"),
    [
        ("select a, sum(b) from t join u using (a) group by a", True),
        ("select distinct a from t", False),
        ("select a from t group by a having count(*) > 1", False),
        ("select a from (select a from t) q", False),
    ],
)
def test_what_queries_are_rewritten_to(query: str, *, serves: bool) -> None:
    assert queries.serves_rewriting(Sql(query)) == serves


def test_a_statement_is_taken_apart() -> None:
    view = parse(
        Sql(
            'create materialized view "S".m backup no distkey (a) sortkey (a, b) auto refresh yes '
            'as (select a, b as "AS" from t)'
        )
    )
    assert (view.parts, view.name, view.auto_refresh) == (["s", "m"], '"s"."m"', True)
    assert view.body == '(select a, b as "AS" from t)'
    attributes = view.attributes
    assert (attributes.diststyle, attributes.distkey, attributes.sortkeys) == (
        "key",
        "a",
        ["a", "b"],
    )
    assert not attributes.backup


def test_its_distribution_is_even_by_default() -> None:
    view = parse(Sql("create materialized view m as select a from t"))
    assert (view.attributes.diststyle, view.auto_refresh) == ("even", False)


def test_several_may_be_dropped() -> None:
    drop = parse_drop(Sql("drop materialized view if exists a.m, n cascade"))
    assert (drop.names, drop.if_exists, drop.cascade) == (['"a"."m"', '"n"'], True, True)

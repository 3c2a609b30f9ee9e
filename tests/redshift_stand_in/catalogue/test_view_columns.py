"""A view tied to its tables shows the sizes of its columns that Redshift computes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql


@pytest.fixture
def numbers(sql: Sql) -> Sql:
    sql("create table t.n (a decimal(8,2), b decimal(10,4), v varchar(7))")
    sql("insert into t.n values (10.25, 3, 'x'), (1.75, 2, 'y')")
    return sql


def columns(sql: Sql) -> list[str]:
    found = sql(
        "select format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = 't.shown'::regclass and attnum > 0 order by attnum"
    )
    return [str(kind) for (kind,) in found]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("select 1.23 as n, 'a' as c", ["numeric(3,2)", "character varying(1)"]),
        ("select 'grüße' as c, '' as e", ["character varying(7)", "character varying(1)"]),
        ("select 'it''s' as c, null::char(5) as e", ["character varying(4)", "character(5)"]),
        ("select a / b as n, a from t.n", ["numeric(19,9)", "numeric(8,2)"]),
        ("(select sum(a) as s from t.n)", ["numeric(38,2)"]),
        ("with q as (select a * b as n from t.n) select n from q", ["numeric(19,6)"]),
        ("select a * b as n from t.n union all select 1.5", ["numeric(19,6)"]),
        ('select 1.5 as "a name; with "" marks"', ["numeric(2,1)"]),
        ("select v::varchar as c, v from t.n", ["character varying", "character varying(7)"]),
        ("select 2.50 as n from t.n order by 1 limit 1 -- the end", ["numeric(3,2)"]),
    ],
)
def test_a_computed_column_has_redshifts_size(numbers: Sql, query: str, kinds: list[str]) -> None:
    numbers(f"create view t.shown as {query}")
    assert columns(numbers) == kinds


def test_the_columns_of_a_view_may_have_other_names_than_those_of_its_query(numbers: Sql) -> None:
    numbers("create view t.shown (x, y) as select a + b, 'ab' from t.n")
    assert columns(numbers) == ["numeric(11,4)", "character varying(2)"]
    assert numbers("select y, count(*) from t.shown where x > 5 group by y") == [["ab", 1]]


def test_values_are_rounded_to_the_size(numbers: Sql) -> None:
    numbers("create view t.shown as select a / 3 as n from t.n where a > 5")
    assert numbers("select n from t.shown") == [[Decimal("3.4166666666667")]]


def test_a_view_can_be_replaced_by_one_of_the_same_types(numbers: Sql) -> None:
    for _ in range(2):
        numbers("create or replace view t.shown as select a + b as n, 'a' as c from t.n")
    assert columns(numbers) == ["numeric(11,4)", "character varying(1)"]


def test_a_view_that_needs_no_size_is_kept_as_it_is(numbers: Sql) -> None:
    numbers("create view t.shown as select a, v, b::decimal(12,1) as c from t.n")
    ((definition,),) = numbers("select pg_get_viewdef('t.shown'::regclass)")
    assert "sized" not in str(definition)

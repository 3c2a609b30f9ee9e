"""CREATE TABLE AS gives computed decimals the size that Redshift computes."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql


@pytest.fixture
def numbers(sql: Sql) -> Sql:
    sql(
        "create table t.n (a decimal(8,2), b decimal(10,4), c decimal(30,2), s smallint, i int, l bigint, f float8, g int)"
    )
    sql("insert into t.n values (10.25, 3, 7, 2, 3, 4, 1.5, 1), (1.75, 2, 7, 2, 3, 4, 1.5, 1)")
    return sql


def kind(sql: Sql, query: str) -> str:
    sql("drop table if exists t.made")
    sql(f"create table t.made as {query}")
    ((found,),) = sql(
        "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't.made'::regclass and attnum = 1"
    )
    return str(found)


@pytest.mark.parametrize(
    ("expression", "size"),
    [
        ("a", "8,2"),
        ("a + b", "11,4"),
        ("a - b", "11,4"),
        ("a * b", "19,6"),
        ("a / a", "17,9"),
        ("c / b", "38,6"),
        ("a * s", "14,2"),
        ("a + i", "13,2"),
        ("a + l", "22,2"),
        ("a * 2", "19,2"),
        ("a * 1.5", "11,3"),
        ("a * -0.25", "12,4"),
        ("-a", "8,2"),
        ("abs(a)", "8,2"),
        ("round(a, 1)", "8,2"),
        ("(a * b)::decimal(12,3)", "12,3"),
        ("i::decimal", "18,0"),
        ("coalesce(a, b)", "10,4"),
        ("nvl(a, 0)", "12,2"),
        ("coalesce(a, null, c)", "30,2"),
        ("case when i = 1 then a when i = 2 then null else b end", "10,4"),
        ("case when i = 1 then a end", "8,2"),
        ("decode(i, 1, a, b)", "10,4"),
        ("nullif(a, b)", "8,2"),
        ("(select max(b) from t.n)", "10,4"),
        ("a * (select count(*) from t.n)", "28,2"),
        ("1.25", "3,2"),
        ("sum(a) over (partition by g)", "38,2"),
        ("min(a) over (partition by g)", "8,2"),
    ],
)
def test_expressions(numbers: Sql, expression: str, size: str) -> None:
    assert kind(numbers, f"select {expression} as x from t.n") == f"numeric({size})"


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("select sum(a) from t.n", "38,2"),
        ("select avg(a) from t.n", "19,2"),
        ("select avg(c) from t.n", "38,2"),
        ("select max(a) from t.n", "8,2"),
        ("select sum(a * b) / sum(a) from t.n", "38,4"),
        ("select x + 1 from (select a * b as x from t.n)", "20,6"),
        (
            "with q as (select a * b as x from t.n), r as (select x from q) select r.x from r join q on q.x = r.x",
            "19,6",
        ),
        ("select a * 1 from t.n union all select b from t.n", "19,4"),
        ("select x from (select sum(a) as x from t.n union select min(b) from t.n)", "38,4"),
        ("select n.a * m.b from t.n n join t.n m using (i)", "19,6"),
        (
            "select g.x from (select i, sum(a) as x from t.n group by i) g full join t.n m on m.i = g.i",
            "38,2",
        ),
        ("(select distinct a + a from t.n order by 1 limit 1)", "9,2"),
    ],
)
def test_queries(numbers: Sql, query: str, size: str) -> None:
    assert kind(numbers, query) == f"numeric({size})"


def test_what_is_not_known_stays_as_it_is(numbers: Sql) -> None:
    for expression in ("mod(a, b)", "a * mod(a, b)", "coalesce(a, mod(a, b))"):
        assert kind(numbers, f"select {expression} as x from t.n") == "numeric"


def test_values_and_other_columns_are_kept(numbers: Sql) -> None:
    numbers(
        "create table t.made (k, \"Share\", note) diststyle even as select i, sum(a) / sum(b), 'x'::varchar(3) from t.n group by i"
    )
    assert numbers("select k, share, note from t.made") == [[3, Decimal("2.4000"), "x"]]
    assert numbers(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't.made'::regclass and attnum > 0 order by attnum"
    ) == [
        ["k", "integer"],
        ["share", "numeric(38,4)"],
        ["note", "character varying(3)"],
    ]
    assert "overflow" in numbers.error(
        "create table t.z as select c * 10000000000000000000000000000000000000 as x from t.n"
    )


def test_a_temporary_table_too(numbers: Sql) -> None:
    numbers("create temp table made as select sum(a) as x from t.n")
    assert numbers(
        "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'made'::regclass and attnum = 1"
    ) == [["numeric(38,2)"]]

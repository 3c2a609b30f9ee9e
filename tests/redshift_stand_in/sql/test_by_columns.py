"""What needs the columns of a FROM clause: asked for where the statement runs, and nowhere else."""

# ruff: noqa: E501 - statements are read in one line
from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest
from redshift_stand_in.sql.lexer import Sql as Text
from redshift_stand_in.sql.rewrite import by_columns

from tests.redshift_stand_in.conftest import DATABASE, PASSWORD, Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World


def rewritten(text: str, **tables: list[str]) -> tuple[str, list[str]]:
    """The statement, and what was asked for it; a table has the columns that are given."""
    asked: list[str] = []

    def columns(query: str) -> list[str] | None:
        asked.append(query)
        return tables.get(query.rsplit(" ", 1)[-1])

    return by_columns.rewrite(text, columns), asked


def test_a_column_comes_before_an_alias() -> None:
    text = "select a + 1 as b, b * 2 as c from t where c > b"
    assert rewritten(text, t=["a"]) == (
        "select a + 1 as b, (a + 1) * 2 as c from t where ((a + 1) * 2) > (a + 1)",
        ["select * from t"],
    )
    assert (
        rewritten(text, t=["a", "b"])[0] == "select a + 1 as b, b * 2 as c from t where (b * 2) > b"
    )


def test_what_is_wrong_is_left_to_postgresql() -> None:
    text = "select a + 1 as b, b * 2 as c from missing"
    assert rewritten(text)[0] == text


def test_common_tables_are_done_before_their_readers() -> None:
    text = "with x as (select a as b, b + 1 as c from t) select c as d, d + 1 as e from x"
    new, asked = rewritten(text, t=["a"], x=["b", "c"])
    assert new == (
        "with x as (select a as b, (a) + 1 as c from t) select c as d, (c) + 1 as e from x"
    )
    assert asked[-1] == "with x as (select a as b, (a) + 1 as c from t) select * from x"


def test_plain_statements_ask_nothing() -> None:
    for text in (
        "select a as zone, cast(b as timestamp without time zone) as c from t",
        "select a as time, b at time zone 'UTC' as c, cast(d as time without time zone) from t",
        "select a as without, b::timestamp without time zone as c from t",
        "select a as varying, cast(b as character varying(9)) as c from t",
        "select a as precision, b::double precision as c from t",
        "select 1",
        "select a, b as c from t where d > 1",
        "select a as b from t group by b order by b",
        "select listagg(a, ',') within group (order by a), max(a) as m from t",
        "insert into t values (1, 2)",
        'select a as "order", sum(b) over (partition by a order by b rows unbounded preceding) from t',
        "select count(*) as rows, sum(b) over (order by b rows between 1 preceding and current row) from t",
        'select a as "end", case when a then b end as "user", user from t where a is not null',
        "select a::date as date, b::date, cast(c as date), date '2020-01-01' from t",
        "select a as day, interval '1' day, datediff(day, a, b) from t",
        "select count(*) as count, count(a), t.count from t",
        "select extract(year from a) as year, dateadd(year, 1, a) from t",
    ):
        assert not by_columns.are_needed(Text(text)), text


def test_the_transactions_own_tables_are_seen(world: World, sql: Sql) -> None:
    session = Sql(world.connect(autocommit=False))
    session("create temporary table own as select 1 as a")
    assert session("select a + 1 as b, b * 2 as c from own where b = 2") == [[2, 4]]
    session("insert into own select a as x from own where x = 1")
    session("update own set a = 2 where a = 1")
    assert session("select * exclude (b) from (select a, a as b from own) order by a") == [[2], [2]]
    assert "missing" in session.error("select a as b, b + 1 from missing")
    session.connection.rollback()


def test_the_simple_protocol(world: World, sql: Sql) -> None:
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=world.tcp_port,
        user="admin",
        password=PASSWORD,
        dbname=DATABASE,
        sslmode="disable",
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select 1 as a, a + 1 as b, b + 1 as c")
        assert cursor.fetchall() == [(1, 2, 3)]
        with pytest.raises(psycopg2.Error, match='column "z" does not exist'):
            cursor.execute("select * exclude (z) from (select 1 as a) as t")
        cursor.execute("select * exclude (a) from (select 1 as a, 2 as b) as t")
        assert cursor.fetchall() == [(2,)]
    connection.close()


def test_an_unload_has_aliases_too(world: World, sql: Sql) -> None:
    sql(
        "unload ('select 1 as a, a + 1 as b') to 's3://stage/aliases/' iam_role "
        "'arn:aws:iam::000000000000:role/copy' csv parallel off"
    )
    assert world.get(world.keys("aliases/")[0]) == b"1,2\n"

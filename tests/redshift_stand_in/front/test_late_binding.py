"""Views WITH NO SCHEMA BINDING: bound to the tables that are there when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redshift_connector

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World


def test_tables_may_come_go_and_change(world: World, sql: Sql) -> None:
    sql("create view t.v as select * from t.later with no schema binding")
    assert "t.later" in sql.error("select * from t.v")
    sql("create table t.later(a int)")
    sql("insert into t.later values (1)")
    assert sql("select * from t.v") == [[1]]
    sql("drop table t.later")
    assert "t.later" in sql.error("select * from t.v")
    sql("create table t.later(b varchar(4), a int)")
    sql("insert into t.later values ('x', 2)")
    assert sql("select b, a from t.v") == [["x", 2]]
    assert sql(
        "select col_name, col_type from pg_get_late_binding_view_cols() cols(view_schema name, "
        "view_name name, col_name name, col_type varchar, col_num int) where view_name = 'v'"
    ) == [["b", "character varying(4)"], ["a", "integer"]]
    assert "already exists" in sql.error("create view t.v as select 1 as a with no schema binding")
    sql("create or replace view t.v as select 1 as a with no schema binding")
    assert sql("select * from t.v") == [[1]]
    sql("drop view t.v")


def test_a_table_that_was_swapped_is_read_anew(world: World, sql: Sql) -> None:
    sql("create table t.first(a int, v varchar(4))")
    sql("insert into t.first values (1, 'old')")
    sql("create view t.inner_view as select a, v from t.first with no schema binding")
    sql("create view t.outer_view(x) as select v from t.inner_view with no schema binding")
    assert sql("select x from t.outer_view") == [["old"]]
    sql("create table t.second(a int, v varchar(8))")
    sql("insert into t.second values (2, 'new')")
    sql("begin")
    sql("alter table t.first rename to away")
    sql("alter table t.second rename to first")
    sql("commit")
    assert sql("select x from t.outer_view") == [["new"]]
    sql("drop table t.first")
    assert "t.first" in sql.error("select x from t.outer_view")
    for catalogue, schema in (
        ("pg_views", "schemaname"),
        ("information_schema.views", "table_schema"),
    ):
        texts = str(sql(f"select * from {catalogue} where {schema} = 't'"))
        assert "as select a, v from t.first with no schema binding" in texts
    sql("alter table t.away rename to first")
    assert sql("select x from t.outer_view") == [["old"]]
    sql("drop view t.outer_view")
    sql("drop view t.inner_view")
    sql("drop table t.first")


def test_a_column_may_grow_and_go(world: World, sql: Sql) -> None:
    sql("create table t.wide(a int, v varchar(4), gone int)")
    sql("create view t.all_columns as select * from t.wide with no schema binding")
    sql("create view t.one_column as select gone from t.wide with no schema binding")
    sql("alter table t.wide alter column v type varchar(40)")
    sql("insert into t.wide values (1, 'longer than four', 3)")
    assert sql("select v from t.all_columns") == [["longer than four"]]
    sql("alter table t.wide drop column gone")
    assert sql("select * from t.all_columns") == [[1, "longer than four"]]
    assert "gone" in sql.error("select * from t.one_column")
    sql("drop view t.one_column")
    sql("drop view t.all_columns")
    sql("drop table t.wide")


def test_who_may_read_the_view_needs_no_right_on_its_table(world: World, sql: Sql) -> None:
    sql("create table t.hidden(a int)")
    sql("create view t.shown as select a from t.hidden with no schema binding")
    sql("create user reader password 'Secret123'")
    sql("grant usage on schema t to reader")
    sql("grant select on t.shown to reader")
    reader = world.connect("reader")
    cursor = reader.cursor()
    cursor.execute("select count(*) from t.shown")
    assert cursor.fetchone() == [0]
    with pytest.raises(redshift_connector.ProgrammingError, match="hidden"):
        cursor.execute("select count(*) from t.hidden")
    reader.rollback()
    # Nor need its owner be the first who reads it when its table is another one.
    sql("drop table t.hidden")
    sql("create table t.hidden(a bigint, b int)")
    cursor.execute("select count(*) from t.shown")
    assert cursor.fetchone() == [0]
    mine = "pg_catalog.redshift_remember_view('t.shown', 'select 1 as a', '{}', '')"
    with pytest.raises(redshift_connector.ProgrammingError):
        cursor.execute(f"select {mine}")
    reader.close()
    sql("revoke all on t.shown from reader")
    sql("revoke usage on schema t from reader")
    sql("drop user reader")
    sql("drop view t.shown")
    sql("drop table t.hidden")


def test_a_condition_reaches_the_table(world: World, sql: Sql) -> None:
    """Or a look-up of one row would read the whole table through the view, as in no warehouse."""
    sql("create table t.rows(k varchar(8), n int)")
    sql(
        "create view t.newest as select k, n from (select k, n, row_number() over (partition by k "
        "order by n desc) as r from t.rows) where r = 1 with no schema binding"
    )
    plan = " ".join(row[0] for row in sql("explain select n from t.newest where k = 'one'"))
    assert "Seq Scan on rows" in plan
    assert plan.index("Seq Scan on rows") < plan.index("'one'")
    sql("drop view t.newest")
    sql("drop table t.rows")

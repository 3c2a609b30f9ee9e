"""What was written, as sys_query_history, sys_query_detail and their elders show it."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import signal
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import redshift_connector

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, Sql, World

STEPS = (
    "select trim(d.step_name), d.output_rows from sys_query_detail d join pg_class c on c.oid = d.table_id "
    "join pg_namespace n on n.oid = c.relnamespace where n.nspname = 't' and c.relname = '{}' order by d.query_id, d.step_id"
)
QUERIES = (
    "select trim(query_type), trim(status) from sys_query_history where query_id in "
    "(select query_id from sys_query_detail where table_id = '{}') order by query_id"
)


def oid(sql: Sql, table: str) -> int:
    ((number,),) = sql(f"select oid::int from pg_class where oid = 't.{table}'::regclass")
    return int(number)


def test_every_write_is_found(sql: Sql, copy: Copy) -> None:
    sql("create table t.a (id int, v varchar(9))")
    sql("insert into t.a values (1, 'x'), (2, 'y')")
    sql("update t.a set v = 'z' where id = 1")
    sql("/* it */ delete t.a where id = 2")
    sql("create table t.source (id int, v varchar(9))")
    sql("insert into t.source values (%s, %s)", 1, "w")
    sql(
        "merge into t.a using t.source s on t.a.id = s.id when matched then update set v = s.v "
        "when not matched then insert values (s.id, s.v)"
    )
    sql("merge into t.a using t.source s on t.a.id = s.id remove duplicates")
    sql(copy("t.a", "5,a\n6,b\n7,c\n"))
    sql(copy("t.a", "8,d\n", "csv noload"))
    sql("create table t.b as select id from t.a")
    assert sql(STEPS.format("a")) == [
        ["insert", 2],
        ["delete", 1],
        ["insert", 1],
        ["delete", 1],
        ["delete", 1],
        ["insert", 1],
        ["delete", 1],
        ["insert", 1],
        ["insert", 3],
    ]
    assert sql(STEPS.format("source")) == [["insert", 1]]
    assert sql(STEPS.format("b")) == [["insert", 4]]
    kinds = [kind for kind, _ in sql(QUERIES.format(oid(sql, "a")))]
    assert kinds == ["INSERT", "UPDATE", "DELETE", "MERGE", "MERGE", "COPY"]
    assert [kind for kind, _ in sql(QUERIES.format(oid(sql, "b")))] == ["CTAS"]


def test_the_older_tables_show_them_too(sql: Sql) -> None:
    sql("create table t.a (id int)")
    sql("insert into t.a select 1")
    sql("delete from t.a")
    number = oid(sql, "a")
    ((query, rows),) = sql(f"select query, rows from stl_insert where tbl = {number}")
    assert rows == 1
    assert sql(f"select trim(querytxt), aborted from stl_query where query = {query}") == [
        ["insert into t.a select 1", 0]
    ]
    assert sql(f"select rows, endtime >= starttime from stl_delete where tbl = {number}") == [
        [1, True]
    ]


def test_times_are_those_of_the_statement(sql: Sql) -> None:
    sql("create table t.a (id int)")
    ((before,),) = sql("select getdate()")
    sql("insert into t.a values (1)")
    ((after,),) = sql("select getdate()")
    ((start, end, duration),) = sql(
        f"select start_time, end_time, duration from sys_query_detail where table_id = {oid(sql, 'a')}"
    )
    assert before <= start <= end < after + timedelta(seconds=1)  # GETDATE has no fractions
    assert duration == round((end - start).total_seconds() * 1_000_000)


def test_a_table_keeps_its_history_when_it_is_renamed(sql: Sql) -> None:
    sql("create table t.a__tmp as select 1 as id")
    sql("alter table t.a__tmp rename to a")
    assert sql(STEPS.format("a")) == [["insert", 1]]


def test_what_is_rolled_back_or_fails_is_remembered(world: World, sql: Sql) -> None:
    sql("create table t.a (id int not null)")
    session = type(sql)(world.connect(autocommit=False))
    session("insert into t.a values (1)")
    session.connection.rollback()
    assert "NULL value" in sql.error("insert into t.a values (null)")
    number = oid(sql, "a")
    assert sql(STEPS.format("a")) == [["insert", 1]], "a statement that failed has no step"
    assert sql(
        "select trim(status), error_message like '%NULL value%' from sys_query_history where query_text like 'insert into t.a %' "
        f"and query_id >= (select min(query_id) from sys_query_detail where table_id = {number}) order by query_id"
    ) == [["success", False], ["failed", True]]
    assert sql("select count(*) from t.a") == [[0]]


def test_a_merge_that_fails_is_remembered(sql: Sql) -> None:
    sql("create table t.a (id int)")
    sql("create table t.s (id int)")
    sql("insert into t.a values (1)")
    sql("insert into t.s values (1), (1)")
    sql.error(
        "merge into t.a using t.s on t.a.id = t.s.id when matched then update set id = t.s.id when not matched then insert values (t.s.id)"
    )
    assert sql(
        "select trim(status) from sys_query_history where query_type = 'MERGE' order by query_id desc limit 1"
    ) == [["failed"]]
    assert sql(STEPS.format("a")) == [["insert", 1]]


def test_the_simple_protocol_writes_too(world: World, sql: Sql) -> None:
    sql("create table t.a (id int)")
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=world.tcp_port,
        user="admin",
        password="Secret123",
        dbname="dev",
        sslmode="disable",
    )
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("insert into t.a values (1), (2); delete from t.a where id = 1")
    cursor.execute(STEPS.format("a"))
    assert cursor.fetchall() == [("insert", 2), ("delete", 1)]
    connection.close()


def test_a_transaction_begins_with_all_that_was_written(world: World, sql: Sql) -> None:
    sql("create table t.a (id int)")
    reader = type(sql)(world.connect(autocommit=False))
    sql("insert into t.a values (1)")
    assert reader(STEPS.format("a")) == [["insert", 1]]
    sql("insert into t.a values (1)")
    assert reader(STEPS.format("a")) == [["insert", 1]]
    reader.connection.rollback()
    assert reader(STEPS.format("a")) == [["insert", 1], ["insert", 1]]


def test_a_front_that_ends_keeps_nothing_to_itself(world: World, sql: Sql) -> None:
    sql("create table t.a (id int)")
    path = world.folder / "front" / "third.sock"
    process = world.launch([f"unix:{path}"])
    connection = redshift_connector.core.Connection(
        user="admin", password="Secret123", database="dev", unix_sock=str(path), ssl=False
    )
    connection.autocommit = True
    connection.cursor().execute("insert into t.a values (1)")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert sql(STEPS.format("a")) == [["insert", 1]]
    connection.close()


def test_users_see_their_own(world: World, sql: Sql) -> None:
    if not sql("select 1 from pg_user where usename = 'writer'"):
        sql("create user writer password 'Secret123'")
    sql("create table t.a (id int)")
    sql("grant usage on schema t to writer")
    sql("grant select, insert on t.a to writer")
    sql("insert into t.a values (1)")
    session: Any = type(sql)(world.connect("writer"))
    session("insert into t.a values (2), (3)")
    assert session(STEPS.format("a")) == [["insert", 2]]
    assert sql(STEPS.format("a")) == [["insert", 1], ["insert", 2]]
    for inner in ("redshift_writes", "redshift_write_steps"):
        with pytest.raises(redshift_connector.Error, match="permission denied"):
            session(f"select * from {inner}")


def test_a_view_over_them_is_current_within_seconds(sql: Sql) -> None:
    sql("create table t.a (id int)")
    sql(f"create view t.steps as select rows from stl_insert where tbl = {oid(sql, 'a')}")
    sql("insert into t.a values (1)")
    deadline = time.monotonic() + 10
    while not (found := sql("select * from t.steps")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == [[1]]


def test_show_tables_tells_when_a_table_was_modified(sql: Sql) -> None:
    sql("create table t.a (id int)")
    sql("create table t.b (id int)")
    sql("insert into t.a values (1)")
    modified = {row[2]: row[8] for row in sql("show tables from schema dev.t")}
    ((end,),) = sql(f"select end_time from sys_query_detail where table_id = {oid(sql, 'a')}")
    assert modified == {"a": end, "b": None}

"""Writers that wait for each other, conflicts, and clients that go away."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import redshift_connector
from redshift_stand_in.wire.protocol import message

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, Sql, World

ENDLESS = "select count(*) from pg_proc a, pg_proc b, pg_proc c, pg_proc d"


@pytest.fixture
def sessions(world: World, sql: Sql) -> list[Sql]:
    sql("create table t.w(id int, v int)")
    sql("insert into t.w values (1, 0)")
    return [type(sql)(world.connect(autocommit=False)) for _ in range(2)]


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, dict[str, object]]:
    result: dict[str, object] = {}

    def run() -> None:
        try:
            result["value"] = work()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            result["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, result


def waits_for_a_lock(world: World, count: int = 1) -> bool:
    cursor = world.superuser().cursor()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        cursor.execute("select count(*) from pg_locks where not granted")
        if cursor.fetchone()[0] >= count:
            return True
        time.sleep(0.02)
    return False


def test_a_writer_waits_for_the_writer_of_the_same_table(
    world: World, sql: Sql, sessions: list[Sql]
) -> None:
    first, second = sessions
    first("insert into t.w values (2, 0)")
    thread, result = in_thread(lambda: second("update t.w set v = v + 1"))
    assert waits_for_a_lock(world)
    assert sql("select count(*) from t.w") == [[1]]
    first.connection.commit()
    thread.join(20)
    assert "error" not in result
    second.connection.commit()
    assert sql("select id, v from t.w order by 1") == [[1, 1], [2, 1]]


def test_a_conflicting_write_after_a_snapshot_is_error_1023(sql: Sql, sessions: list[Sql]) -> None:
    first, second = sessions
    second("select * from t.w")
    first("update t.w set v = 5")
    first.connection.commit()
    with pytest.raises(redshift_connector.Error) as caught:
        second("update t.w set v = 6")
    fields = caught.value.args[0]
    assert fields["M"] == "1023"
    assert fields["D"].startswith("Serializable isolation violation on table - ")
    second.connection.rollback()
    assert sql("select v from t.w") == [[5]]


def test_lock_first_makes_the_second_writer_see_the_first(
    world: World, sql: Sql, sessions: list[Sql]
) -> None:
    first, second = sessions
    for session in sessions[:1]:
        session("lock t.w")
    first("update t.w set v = 5")

    def work() -> None:
        second("lock t.w")
        second("update t.w set v = v + 1")
        second.connection.commit()

    thread, result = in_thread(work)
    assert waits_for_a_lock(world)
    first.connection.commit()
    thread.join(20)
    assert "error" not in result
    assert sql("select v from t.w") == [[6]]


def test_a_deadlock_ends_one_transaction_and_the_other_goes_on(
    world: World, sql: Sql, sessions: list[Sql]
) -> None:
    """Which of them is not said."""
    sql("create table t.x(id int)")
    for session, table in zip(sessions, ("w", "x"), strict=True):
        session(f"update t.{table} set id = 1")
    running = []
    for session, table in zip(sessions, ("x", "w"), strict=True):
        running.append(in_thread(partial(session, f"update t.{table} set id = 2")))
        assert waits_for_a_lock(world)
    for thread, _ in running:
        thread.join(20)
        assert not thread.is_alive()
    errors = [str(result.get("error", "")) for _, result in running]
    assert ["deadlock detected" in error for error in errors].count(True) == 1, errors
    lost = sessions["deadlock" in errors[1]]
    assert "current transaction is aborted" in lost.error("select 1")


def test_copy_waits_too(world: World, sql: Sql, sessions: list[Sql], copy: Copy) -> None:
    first, _ = sessions
    first("delete from t.w")
    statement = copy("t.w", "7,7\n")
    thread, result = in_thread(lambda: sql(statement))
    assert waits_for_a_lock(world)
    first.connection.commit()
    thread.join(20)
    assert "error" not in result
    assert type(sql)(world.connect())("select id from t.w") == [[7]]


def test_a_serializable_database_refuses_write_skew(world: World, sql: Sql) -> None:
    sql("create table t.a(id int)")
    sql("create table t.b(id int)")
    sql("alter database dev isolation level serializable")
    try:
        first, second = (type(sql)(world.connect(autocommit=False)) for _ in range(2))
        first("select * from t.a")
        second("select * from t.b")
        first("insert into t.b values (1)")
        second("insert into t.a values (1)")
        first.connection.commit()
        with pytest.raises(redshift_connector.Error, match="1023"):
            second.connection.commit()
    finally:
        sql("alter database dev isolation level snapshot")


def test_a_running_statement_can_be_cancelled(world: World) -> None:
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=world.tcp_port,
        user="admin",
        password="Secret123",
        dbname="dev",
        sslmode="disable",
    )
    try:
        cursor = connection.cursor()
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute(ENDLESS)
        timer.join()
        connection.rollback()
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)
    finally:
        connection.close()


def test_a_client_that_dies_leaves_nothing_running(world: World) -> None:
    client = world.connect()
    cursor = client.cursor()
    cursor.execute("select pg_backend_pid()")
    process = cursor.fetchone()[0]
    thread, _ = in_thread(lambda: cursor.execute(ENDLESS))
    watcher = world.superuser().cursor()
    running = f"select 1 from pg_stat_activity where pid = {process} and state = 'active'"
    _until(lambda: _any(watcher, running))
    client._usock.shutdown(socket.SHUT_RDWR)
    _until(lambda: not _any(watcher, f"select 1 from pg_stat_activity where pid = {process}"))
    thread.join(20)


def test_a_statement_ends_with_its_session_also_if_nobody_cancels_it(world: World) -> None:
    session, watcher = world.superuser(), world.superuser().cursor()
    process = session.get_backend_pid()
    thread, _ = in_thread(lambda: session.cursor().execute(ENDLESS))
    running = f"select 1 from pg_stat_activity where pid = {process}"
    _until(lambda: _any(watcher, f"{running} and state = 'active'"))
    with socket.socket(fileno=os.dup(session.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    _until(lambda: not _any(watcher, running))
    thread.join(20)


def test_a_batch_of_writes_of_which_one_gets_no_lock_writes_nothing_and_is_over(
    world: World, sql: Sql
) -> None:
    """As JDBC sends them: several statements before one Sync."""
    sql("create table t.batch_free(a int)")
    sql("create table t.batch_held(a int)")
    holder = world.connect(autocommit=False)
    holder.cursor().execute("lock table t.batch_held")
    client = world.connect()
    client.cursor().execute("set statement_timeout to 300")
    batch = b""
    for name, table in ((b"a", b"free"), (b"b", b"held")):
        batch += message(b"P", name + b"\0insert into t.batch_" + table + b" values (1)\0\0\0")
        batch += message(b"B", name + b"\0" + name + bytes(7)) + message(b"E", name + bytes(5))
    client._usock.sendall(batch + message(b"S", b""))
    answer = b""
    while not answer.endswith((message(b"Z", b"I"), message(b"Z", b"T"), message(b"Z", b"E"))):
        answer += client._usock.recv(65536)
    assert answer.endswith(message(b"Z", b"I")), "no transaction is left open"
    assert b"C57014" in answer
    holder.rollback()
    assert sql("select count(*) from t.batch_free") == [[0]]


def test_garbage_and_early_ends_do_no_harm(world: World, sql: Sql) -> None:
    for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x08\x04\xd2\x16\x2f"):
        with socket.create_connection(("127.0.0.1", world.tcp_port)) as sock:
            sock.sendall(data)
    assert sql("select 1") == [[1]]


def _any(cursor: Any, text: str) -> bool:
    cursor.execute(text)
    return bool(cursor.fetchall())


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen")

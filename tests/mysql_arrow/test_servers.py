"""Queries of real servers: ended, large, through TLS, closed."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import mysql_arrow
import pymysql
import pytest
from mysql_arrow.result import Result
from mysql_wire.value_kinds import DATABASE
from projects.pages import Block
from tidemark_sandbox.settings.accounts import account_name
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.mysql_arrow.conftest import Connect


def thread_of(connection: pymysql.Connection[Any]) -> int:
    """What KILL knows the session by."""
    return int(connection.thread_id())  # type: ignore[no-untyped-call]


@pytest.mark.fault(167)
def test_a_query_that_is_killed_in_the_middle_says_so(connect: Connect) -> None:
    with closing(connect()) as connection, closing(connect()) as other:
        numbers = "SELECT 1 AS n" + " UNION ALL SELECT 1" * 300
        batches = mysql_arrow.query(
            connection, f"SELECT n, SLEEP(0.02), REPEAT('x', 20000) FROM ({numbers}) AS t",
            batch_rows=5,
        )  # fmt: skip
        assert next(batches).num_rows == 5
        with other.cursor() as cursor:
            cursor.execute(f"KILL QUERY {thread_of(connection)}")
        # MySQL's SLEEP ends early, and the query with it.
        with pytest.raises(pymysql.err.OperationalError) as caught:
            list(batches)
        assert caught.value.args[0] == 1317
        connection.ping(reconnect=False)


@pytest.mark.fault(167)
def test_a_session_that_is_killed_is_lost(connect: Connect) -> None:
    with closing(connect()) as connection, closing(connect()) as other:
        killer = threading.Timer(0.5, lambda: other.query(f"KILL {thread_of(connection)}"))
        killer.start()
        began = time.monotonic()
        with pytest.raises(pymysql.err.OperationalError) as caught:
            list(mysql_arrow.query(connection, "SELECT SLEEP(60)"))
        assert time.monotonic() - began < 30
        assert caught.value.args[0] in (1053, 1317, 1927, 2013)
        killer.join()


@pytest.mark.fault(166)
def test_a_row_of_more_than_16_mb_is_whole(connect: Connect) -> None:
    with closing(connect()) as connection:
        connection.query("SET GLOBAL max_allowed_packet = 67108864")
    with closing(connect()) as connection:
        texts = "REPEAT('é', 9000000), 'between', REPEAT('x', 20000000)"
        sql = f"SELECT {texts} UNION ALL SELECT 'a', 'b', 'c'"
        (batch,) = mysql_arrow.query(connection, sql, batch_bytes=2**26)
        assert [batch.column(n)[0].as_py() for n in range(3)] == [
            "é" * 9_000_000, "between", "x" * 20_000_000,
        ]  # fmt: skip
        assert [batch.column(n)[1].as_py() for n in range(3)] == ["a", "b", "c"]


def test_rows_come_through_tls(sandbox: Sandbox, connect: Connect) -> None:
    context = ssl.create_default_context(cafile=sandbox.config.ca)
    context.check_hostname = False
    with closing(connect(ssl=context)) as connection:
        assert isinstance(connection._sock, ssl.SSLSocket)  # type: ignore[attr-defined]
        (batch,) = mysql_arrow.query(connection, "SELECT REPEAT('x', 3000000), DATE '2024-02-29'")
        assert batch.column(0)[0].as_py() == "x" * 3_000_000
        assert batch.column(1).to_pylist() == [date(2024, 2, 29)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == ((1,),)


def test_a_result_is_closed_on_the_server_too(connect: Connect) -> None:
    def open_statements(cursor: Any) -> int:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
        return int(cursor.fetchone()[1])

    with closing(connect()) as connection, connection.cursor() as cursor:
        before = open_statements(cursor)
        for _ in range(20):
            answer: Result = mysql_arrow.query(connection, "SELECT 1")
            assert [batch.num_rows for batch in answer] == [1]
        assert open_statements(cursor) == before


def test_the_page_reads_a_table_as_printed(
    sandbox: Sandbox, connect: Connect, printed: list[Block]
) -> None:
    with closing(connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO orders VALUES (7)")
        connection.commit()
    (block,) = printed
    way = f"unix_socket={str(sandbox.config.mysql_socket)!r}, user={account_name()!r}"
    text = block.text.replace('host="db.example", user="reader", password="…"', way)
    text = text.replace("shop.orders", f"{DATABASE}.orders")
    assert "db.example" not in text
    said: dict[str, Any] = {}
    exec(text, said)
    said["connection"].close()
    assert said["batch"].to_pydict() == {"id": [7]}

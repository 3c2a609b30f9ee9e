"""A result that does not end well says why, at once, and leaves the connection as it must be."""

from __future__ import annotations

import struct
import time

import mysql_arrow
import pymysql
import pytest
from mysql_arrow.columns import Type
from mysql_wire.scripted_mysql import Column, Server, packet, packets, prepared, result, row

pytestmark = pytest.mark.fault(167)
INT = Column(Type.LONG)
ROWS = [row(struct.pack("<i", number)) for number in range(5)]
KILLED = b"\xff" + (1317).to_bytes(2, "little") + b"#70100Query execution was interrupted"
SILENT = result([INT], ROWS)[:-9]


class StoppedError(Exception):
    pass


def test_an_error_in_the_middle_is_the_server_s_own_and_the_connection_goes_on() -> None:
    server = Server(result([INT], ROWS, end=KILLED), hangs_up=False)
    with server.connected() as connection:
        for _ in range(2):
            batches = mysql_arrow.query(connection, "SELECT", batch_rows=2)
            assert [next(batches).num_rows for _ in range(2)] == [2, 2]
            with pytest.raises(pymysql.err.OperationalError, match="was interrupted") as caught:
                next(batches)
            assert caught.value.args[0] == 1317
        connection.ping(reconnect=False)


@pytest.mark.parametrize("refused", ["prepare", "execute"])
def test_a_statement_that_is_refused_is_the_server_s_own_error(refused: str) -> None:
    says = packet(1, b"\xff\x7a\x04#42S02No such table")
    answers = {"prepare": prepared(), "execute": says} | {refused: says}
    server = Server(answers["execute"], answers["prepare"], hangs_up=False)
    with server.connected() as connection:
        for _ in range(2):
            with pytest.raises(pymysql.err.ProgrammingError, match="No such table") as caught:
                mysql_arrow.query(connection, "SELECT")
            assert caught.value.args[0] == 1146
        connection.ping(reconnect=False)


def test_who_is_told_of_each_read_can_end_the_query_while_nothing_comes() -> None:
    heard: list[int] = []

    def stop(size: int) -> None:
        heard.append(size)
        if not size:
            raise StoppedError

    with Server(SILENT, hangs_up=False).connected() as connection:
        began = time.monotonic()
        with pytest.raises(StoppedError):
            list(mysql_arrow.query(connection, "SELECT", heard=stop))
        assert time.monotonic() - began < 1
        assert sum(heard) == len(prepared()) + len(SILENT)
        assert not connection.open


def test_who_is_told_of_each_read_can_end_it_before_the_first_row() -> None:
    def stop(size: int) -> None:
        raise StoppedError

    with Server(b"", hangs_up=False).connected() as connection:
        with pytest.raises(StoppedError):
            mysql_arrow.query(connection, "SELECT", heard=stop)
        assert not connection.open


def test_without_it_the_connection_s_own_patience_holds() -> None:
    with (
        Server(SILENT, hangs_up=False).connected(read_timeout=0.3) as connection,
        pytest.raises(pymysql.err.OperationalError, match="timed out"),
    ):
        list(mysql_arrow.query(connection, "SELECT"))


def test_a_server_that_shuts_down_is_lost() -> None:
    shutdown = result([INT], ROWS)[:-9] + packet(0, b"\xff\x1d\x04#08S01Server shutdown")
    with (
        Server(shutdown).connected() as connection,
        pytest.raises(pymysql.err.OperationalError, match="shutting down") as caught,
    ):
        list(mysql_arrow.query(connection, "SELECT"))
    assert caught.value.args[0] == 2013


def test_a_query_that_is_left_ends_its_connection_and_one_that_is_not_gives_it_back() -> None:
    with Server(result([INT], ROWS), hangs_up=False).connected(read_timeout=77) as connection:
        batches = mysql_arrow.query(connection, "SELECT", batch_rows=5)
        assert [batch.num_rows for batch in batches] == [5]
        assert list(batches) == []
        assert connection._sock.gettimeout() == 77  # type: ignore[attr-defined]
        batches = mysql_arrow.query(connection, "SELECT", batch_rows=2)
        next(batches)
        batches.close()
        assert not connection.open
        with pytest.raises(pymysql.err.InterfaceError):
            mysql_arrow.query(connection, "SELECT")


def test_warnings_are_counted_and_what_prepare_says_of_columns_is_passed_over() -> None:
    columns = [Column(Type.BLOB, "a"), Column(Type.BLOB, "b")]
    says = prepared(columns=2) + packets([*(c.packet() for c in columns), b"\xfe\0\0\2\0"], first=2)
    end = b"\xfe\x03\0\x02\0"
    with Server(result([INT], ROWS, end=end), prepare=says).connected() as connection:
        batches = mysql_arrow.query(connection, "SELECT")
        assert batches.schema.names == ["c"]
        assert sum(batch.num_rows for batch in batches) == batches.rows == 5
        assert batches.warnings == 3


def test_another_charset_is_refused() -> None:
    with (
        Server(b"").connected(charset="latin1") as connection,
        pytest.raises(ValueError, match="latin1"),
    ):
        mysql_arrow.query(connection, "SELECT")

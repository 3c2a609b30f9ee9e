"""A server that was set back goes another way from there: what it does then is not passed over.

Its transactions get numbers that others had before, so numbers alone show nothing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mysql_binlog import GapError, Position, current_position, key_columns, read_changes
from servers import Server, more_servers, wait_for
from tidemark_core.host.local_ports import free_port

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox

TABLE = ("set_back", "t")
#: More than before it was set back: each number and each offset is reached again.
MANY = 300


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Server]:
    with more_servers(sandbox, 1, TABLE[0]) as (only,):
        only.sql("CREATE TABLE t (id INT PRIMARY KEY)")
        yield only


def end(server: Server) -> Position:
    with closing(server.part.connect()) as connection:
        return current_position(connection)


def read(server: Server, since: Position) -> tuple[set[object], Position]:
    """The keys that have changed, and where the reading ended."""
    with closing(server.part.connect()) as connection:
        wanted = {TABLE: key_columns(connection, TABLE)}
    batches = [*read_changes(server.part.connect, since, end(server), wanted, server_id=99)]
    return {key for batch in batches for (key,) in batch.keys.get(TABLE, ())}, batches[-1].position


def insert(server: Server, first: int, count: int) -> None:
    with server.session() as execute:
        for key in range(first, first + count):
            execute(f"INSERT INTO t VALUES ({key})")


def begin_file(server: Server) -> None:
    """Begins a file of the log, and removes those before it."""
    server.sql("FLUSH BINARY LOGS")
    file = end(server).file

    def is_alone() -> bool:
        server.sql(f"PURGE BINARY LOGS TO '{file}'")
        return len(server.sql("SHOW BINARY LOGS")) == 1

    wait_for(is_alone)


@pytest.mark.fault(218)
@pytest.mark.parametrize(
    ("is_read", "is_purged", "is_moved"),
    [
        (True, False, False),
        (False, False, False),
        (True, True, False),
        (False, True, False),
        (True, False, True),
    ],
    ids=["read", "not read", "read and purged", "not read, purged", "moved"],
)
def test_a_server_restored_from_a_copy_of_its_data_stops(
    server: Server, is_read: bool, is_purged: bool, is_moved: bool
) -> None:
    server.part.stop()
    copy = server.part.folder / "copy"
    shutil.copytree(server.part.data, copy)
    server.start(101)
    since = end(server)
    insert(server, 1, 5)
    if is_read:
        found, since = read(server, since)
        assert found == {1, 2, 3, 4, 5}
    else:
        since = end(server)
    server.part.stop()
    shutil.rmtree(server.part.data)
    shutil.copytree(copy, server.part.data)
    time.sleep(1.1)  # a file's creation is known to the second
    if is_moved:
        server = replace(server, port=free_port())
    server.start(101)
    insert(server, 1001, 2)
    if is_purged:
        begin_file(server)
    insert(server, 1003, MANY)
    with pytest.raises(GapError):
        read(server, since)


def test_a_server_that_has_only_moved_goes_on(server: Server) -> None:
    since = end(server)
    insert(server, 1, 5)
    _, since = read(server, since)
    insert(server, 6, 1)
    server.part.stop()
    server = replace(server, port=free_port())
    server.start(101)
    insert(server, 7, 1)
    found, since = read(server, since)
    assert found == {6, 7}
    begin_file(server)
    insert(server, 8, 1)
    assert read(server, since)[0] == {8}


@pytest.mark.fault(218)
def test_a_numbering_that_was_reset_under_an_idle_reader_stops(server: Server) -> None:
    reset = "RESET BINARY LOGS AND GTIDS" if server.is_mysql else "RESET MASTER"
    server.sql(reset)
    insert(server, 1, 5)
    since = end(server)
    time.sleep(1.1)  # as above
    server.sql(reset)
    insert(server, 1001, MANY)
    with pytest.raises(GapError):
        read(server, since)


@pytest.mark.fault(218)
def test_a_replica_that_took_over_without_the_last_changes_stops(sandbox: Sandbox) -> None:
    with more_servers(sandbox, 2, TABLE[0]) as (primary, replica):
        replica.follow(primary)
        primary.sql("CREATE TABLE t (id INT PRIMARY KEY)")
        since = end(primary)
        insert(primary, 1, 5)
        wait_for(lambda: replica.sql("SHOW TABLES") and len(replica.sql("SELECT * FROM t")) == 5)
        replica.sql("STOP REPLICA")
        insert(primary, 6, 5)
        found, since = read(primary, since)
        assert found == set(range(1, 11))
        insert(replica, 1001, MANY)
        with pytest.raises(GapError):
            read(replica, since)

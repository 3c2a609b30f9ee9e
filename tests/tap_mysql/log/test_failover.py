"""A replica takes the place of the server whose log is read, while rows change: all is read."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from servers import Server, more_servers, wait_for

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox

    from tests.tap_mysql.conftest import Relay, Result, Source

KEYS = 60


class Writer(threading.Thread):
    """Changes rows in transactions, until it is stopped or its server is gone."""

    def __init__(self, server: Server, seed: int) -> None:
        super().__init__()
        self._server, self._chance = server, random.Random(seed)
        self._over = threading.Event()
        self.written = 0
        self.start()

    def run(self) -> None:
        way = self._server.part.connect(database=self._server.database)
        with closing(way), way.cursor() as cursor:
            while not self._over.wait(0.002):
                try:
                    way.begin()
                    for _ in range(self._chance.randint(1, 4)):
                        cursor.execute(self._statement())
                    way.rollback() if self._chance.random() < 0.1 else way.commit()
                    self.written += 1
                except pymysql.err.MySQLError:
                    return

    def _statement(self) -> str:
        key, other = self._chance.sample(range(KEYS), 2)
        return self._chance.choice(
            (
                f"REPLACE INTO t VALUES ({key}, {other})",
                f"UPDATE t SET v = v + 1 WHERE id = {key}",
                f"UPDATE IGNORE t SET id = {other} WHERE id = {key}",
                f"DELETE FROM t WHERE id = {key}",
            )
        )

    def wait(self, more: int = 20) -> None:
        """Until it has written some more."""
        wanted = self.written + more
        wait_for(lambda: self.written >= wanted)

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture(scope="module")
def servers(sandbox: Sandbox) -> Iterator[Sequence[Server]]:
    """Two, of which the second replicates from the first."""
    with more_servers(sandbox, 2, "tap_test") as (first, second):
        second.follow(first)
        yield first, second


def catch_up(behind: Server, ahead: Server, marker: int) -> None:
    """Until a replica has what the other one has had by now."""
    ahead.sql("REPLACE INTO t VALUES (%s, 0)", -marker)
    wait_for(lambda: behind.sql("SELECT 1 FROM t WHERE id = %s", -marker))


def kill(server: Server) -> None:
    process = server.part.daemon.find()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    server.part.daemon.wait_gone(process)


def replicate(server: Server, ahead: Server) -> None:
    """Makes the one that was the primary a replica of the one that is it now."""
    if server.is_mysql:
        server.sql(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', "
            f"SOURCE_PORT = {ahead.port}, SOURCE_USER = 'replicator', "
            "SOURCE_PASSWORD = 'replicates-1', GET_SOURCE_PUBLIC_KEY = 1, SOURCE_AUTO_POSITION = 1"
        )
    else:
        server.sql("SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos")
        server.sql(
            f"CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {ahead.port}, MASTER_USER ="
            " 'replicator', MASTER_PASSWORD = 'replicates-1', MASTER_USE_GTID = slave_pos"
        )
    server.sql("START REPLICA")


@pytest.mark.fault(207)
def test_a_failover_in_the_middle_loses_nothing(
    source: Source, servers: Sequence[Server], relay: Callable[..., Relay]
) -> None:
    """First a planned one, then one by a crash, back to the server that was the first."""
    first, second = servers
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    first.sql("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
    wait_for(lambda: second.sql("SHOW TABLES LIKE 't'"))
    way = relay("--then", second.socket, socket=first.socket)
    catalog = source.catalog("t")
    catalog["streams"][0]["replication_method"] = "LOG_BASED"
    results: list[Result] = []

    def read(way: Relay) -> None:
        state = results[-1].state if results else None
        results.append(source.run(catalog, state, **way.way))
        if (error := results[-1].error) is not None:
            raise error

    writer = Writer(first, seed)
    writer.wait()
    read(way)
    writer.wait()
    read(way)
    writer.stop()
    catch_up(second, first, 1)
    way.fail_over()
    second.sql("STOP REPLICA")
    second.sql("RESET REPLICA ALL")
    writer = Writer(second, seed + 1)
    writer.wait()
    read(way)
    writer.wait()
    read(way)
    writer.stop()
    read(way)
    assert newest(results) == dict(second.sql("SELECT id, v FROM t"))

    replicate(first, second)
    back = relay("--then", first.socket, socket=second.socket)
    writer = Writer(second, seed + 2)
    writer.wait()
    read(back)
    catch_up(first, second, 2)
    kill(second)
    writer.join()
    back.fail_over()
    first.sql("STOP REPLICA")
    writer = Writer(first, seed + 3)
    writer.wait()
    read(back)
    writer.stop()
    read(back)
    assert newest(results) == dict(first.sql("SELECT id, v FROM t"))
    places = [result.bookmark("t")["tidemark"]["position"]["server"] for result in results]
    assert len(set(places)) == 2
    assert places[0] == places[-1] != places[2]


def newest(results: Sequence[Result]) -> dict[Any, Any]:
    """The rows that are there, as a warehouse finds them."""
    rows = [row for result in results for row in result.rows("t")]
    found = {row["id"]: row for row in sorted(rows, key=lambda row: row["_sdc_extracted_at"])}
    return {key: row["v"] for key, row in found.items() if row["_sdc_deleted_at"] is None}

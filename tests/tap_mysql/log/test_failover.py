"""A replica takes the place of the server whose log is read, while rows change: all is read."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from servers import Server, more_servers, wait_for
from tidemark_core.errors import SourceError

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


@pytest.mark.fault(217)
@pytest.mark.parametrize("how", ["cut", "gone", "left out"])
def test_a_file_of_the_log_that_is_not_whole_stops(
    source: Source, servers: Sequence[Server], relay: Callable[..., Relay], how: str
) -> None:
    """The last ones here: the log of the server that took over is damaged, and mended again."""
    server = servers[0]
    server.sql("CREATE TABLE IF NOT EXISTS damaged (id INT PRIMARY KEY)")
    server.sql("DELETE FROM damaged")
    catalog = source.catalog("damaged")
    catalog["streams"][0]["replication_method"] = "LOG_BASED"
    way = relay(socket=server.socket).way
    first = source.run(catalog, **way)
    server.sql("INSERT INTO damaged VALUES (1)")
    server.sql("FLUSH BINARY LOGS")
    middle = server.sql("SHOW BINARY LOGS")[-1][0]
    server.sql("INSERT INTO damaged VALUES (2)")
    server.sql("FLUSH BINARY LOGS")
    server.sql("INSERT INTO damaged VALUES (3)")
    ((base,),) = server.sql("SELECT @@GLOBAL.log_bin_basename")
    file = Path(base).with_name(middle)
    changed = file.with_suffix(".index") if how == "left out" else file
    whole = changed.read_bytes()
    try:
        if how == "cut":
            changed.write_bytes(whole[:-50])
        elif how == "gone":
            changed.unlink()
        else:
            lines = whole.splitlines(keepends=True)
            kept = b"".join(line for line in lines if middle.encode() not in line)
            begin_again(server, lambda: changed.write_bytes(kept))
        stopped = source.run(catalog, first.state, backup_retry_attempts=1, **way)
    finally:
        if how == "left out":
            begin_again(
                server, lambda: changed.write_bytes(whole + changed.read_bytes()[len(kept) :])
            )
        else:
            changed.write_bytes(whole)
    assert isinstance(stopped.error, SourceError)
    assert stopped.messages == []
    if how == "gone" and not server.is_mysql:  # so says MariaDB, whatever it is asked
        assert middle in stopped.error.message
    else:
        assert "tidemark resync -t tap_test.damaged" in str(stopped.error.hint)
    good = source.run(catalog, first.state, **way)
    assert (good.error, good.ids("damaged")) == (None, [1, 2, 3])


def begin_again(server: Server, meanwhile: Callable[[], object]) -> None:
    """Stops a server, and starts it."""
    server.part.stop()
    meanwhile()
    server.start(101)

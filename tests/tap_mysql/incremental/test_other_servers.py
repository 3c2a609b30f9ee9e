"""Another server behind the same address, and a source that is a replica."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from readhooks import after_files
from servers import UNLOGGED, Server, more_servers, wait_for
from tap_mysql.singer.tap import TapMySQL
from tidemark_core.errors import ConfigError, SourceError
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox

    from tests.tap_mysql.conftest import Relay, Result, Source

MakeRelay = Callable[..., "Relay"]
COLUMNS = "id INT PRIMARY KEY, v VARCHAR(300), update_at DATETIME, KEY (update_at)"
DATABASE = "tap_test"
NO_LOOKBACK: dict[str, Any] = {"backup_lookback_seconds": 0, "backup_lookback_ids": 0}
ROWS = 3000


@pytest.fixture(scope="module")
def servers(sandbox: Sandbox) -> Iterator[Sequence[Server]]:
    """Two more; the second replicates from the first."""
    with more_servers(sandbox, 2, "tap_test") as (primary, replica):
        replica.follow(primary)
        yield primary, replica


@pytest.fixture
def other(servers: Sequence[Server]) -> Server:
    return servers[0]


def fill(
    ways: Sequence[Source | Server], table: str, rows: Sequence[str], columns: str = COLUMNS
) -> None:
    """Makes the same table on several servers."""
    for way in ways:
        way.sql(f"DROP TABLE IF EXISTS {table}")
        way.sql(f"CREATE TABLE {table} ({columns})")
        if rows:
            way.sql(f"INSERT INTO {table} VALUES {', '.join(rows)}")


def told(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == f"tap-mysql.{logger}"]


def server_of(result: Result, table: str) -> str:
    """Which server a bookmark is of, as warnings name it."""
    found = result.bookmark(table)["tidemark"]["server"]
    words = ", ".join(f"{name} {value}" for name, value in found["identity"].items())
    return f"{found['name']} ({words})"


# -- failover


@pytest.mark.fault(38)
@pytest.mark.parametrize("how", ["the connection is cut", "between two pages"])
def test_a_read_goes_on_with_a_server_that_is_behind_and_nothing_is_lost_later(
    source: Source,
    other: Server,
    relay: MakeRelay,
    short_pages: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    rows = [f"({n}, '{'x' * 300}', '2024-01-01' + INTERVAL {n} SECOND)" for n in range(1, ROWS + 1)]
    fill([source, other], "moved", rows)
    # The old server's last commits, in the first file and in the last one; and a row of its own.
    last = (
        "UPDATE moved SET v = 'newest', update_at = '2024-01-02 00:00:01' WHERE id = 2990",
        "UPDATE moved SET v = 'newest', update_at = '2024-01-02 00:00:02' WHERE id = 1",
    )
    for statement in last:
        source.sql(statement)
    if how == "the connection is cut":
        way = relay("--then", other.socket, "--cut-after", "500000", "--cuts", "1")
    else:
        way = relay("--then", other.socket)
        short_pages(100)
        after_files(3, way.fail_over, monkeypatch)
    settings = {"backup_batch_size": 150, **NO_LOOKBACK, **way.way}
    result = source.read("moved", "update_at", **settings)
    assert set(result.ids("moved")) == set(range(1, ROWS + 1))
    versions = {(row["id"], row["v"]) for row in result.rows("moved")}
    assert (1, "newest") in versions, "the first file is of the old server"
    assert (2990, "newest") not in versions, "the last file is of the new one"
    states = [m["value"]["bookmarks"]["tap_test-moved"] for m in result.of("STATE")]
    assert states[0]["tidemark"]["server"] != states[-1]["tidemark"]["server"]
    assert result.bookmark("moved")["replication_key_value"] == "2024-01-01T00:50:00.000000"

    (warning,) = [text for text in told(caplog, "failover") if "the bookmark is from" in text]
    old = source.read("moved", "update_at", **NO_LOOKBACK)
    assert f"the bookmark is from server {server_of(old, 'moved')}, but now " in warning
    assert f"{server_of(result, 'moved')} answers" in warning
    assert "tidemark verify -t tap_test.moved" in warning
    assert any(server_of(result, "moved") in text for text in told(caplog, "run"))

    for statement in last:  # the new server catches up
        other.sql(statement)
    again = source.read("moved", "update_at", result.state, **settings)
    newest = {(row["id"], row["v"]) for row in again.rows("moved")}
    assert newest >= {(1, "newest"), (2990, "newest")}
    assert again.bookmark("moved")["replication_key_value"] == "2024-01-02T00:00:02.000000"


@pytest.mark.fault(38)
def test_ids_that_the_new_server_gives_again_are_read(
    source: Source, other: Server, relay: MakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    columns = "id INT PRIMARY KEY, v VARCHAR(9)"
    fill([source], "numbered", [f"({n}, 'old')" for n in range(1, 51)], columns)
    fill([other], "numbered", [f"({n}, 'old')" for n in range(1, 31)], columns)
    first = source.read("numbered", "id", **NO_LOOKBACK)
    way = relay("--then", other.socket)
    way.fail_over()
    second = source.read("numbered", "id", first.state, **NO_LOOKBACK, **way.way)
    assert "It is behind: the bookmark moves back to 30" in caplog.text
    assert second.bookmark("numbered")["replication_key_value"] == 30
    other.sql("INSERT INTO numbered VALUES (31, 'new'), (32, 'new')")
    third = source.read("numbered", "id", second.state, **NO_LOOKBACK, **way.way)
    assert third.ids("numbered") == [30, 31, 32]


@pytest.mark.fault(38)
def test_a_table_that_the_new_server_has_not_got_yet_is_read_when_it_comes(
    source: Source, other: Server, relay: MakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    fill([source], "late", ["(1, 'a', '2024-01-01')"])
    fill([other], "late", [])
    first = source.read("late", "update_at")
    way = relay(socket=other.socket)
    empty = source.read("late", "update_at", first.state, **way.way)
    assert empty.ids("late") == []
    assert "It has no rows yet" in caplog.text
    other.sql("INSERT INTO late VALUES (2, 'b', '2023-01-01')")
    assert source.read("late", "update_at", empty.state, **way.way).ids("late") == [2]


@pytest.mark.fault(38)
def test_where_nothing_is_new_another_server_is_told_once_and_no_file_written(
    source: Source, other: Server, relay: MakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    fill([source, other], "still", ["(1, 'a', '2024-01-01')"])
    first = source.read("still", "update_at")
    way = relay(socket=other.socket)
    second = source.read("still", "update_at", first.state, **way.way)
    assert [message["type"] for message in second.messages] == ["SCHEMA", "STATE"]
    assert len(told(caplog, "failover")) == 1
    before, after = first.bookmark("still"), second.bookmark("still")
    assert before["tidemark"].pop("server") != after["tidemark"].pop("server")
    assert before == after
    assert source.read("still", "update_at", second.state, **way.way).messages == []
    assert len(told(caplog, "failover")) == 1
    # A state of before servers had names in it is as good as ever.
    old = {"bookmarks": {"tap_test-still": before}}
    assert source.read("still", "update_at", old, **way.way).messages == []
    assert len(told(caplog, "failover")) == 1


@pytest.mark.fault(38)
def test_a_table_that_is_read_whole_is_begun_again_on_the_new_server(
    source: Source,
    other: Server,
    relay: MakeRelay,
    short_pages: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill([source], "whole", [f"({n}, 'old', NULL)" for n in range(1, 501)])
    fill([other], "whole", [f"({n}, 'new', NULL)" for n in range(1, 501)])
    way = relay("--then", other.socket)
    short_pages(100)
    after_files(2, way.fail_over, monkeypatch)
    result = source.read("whole", backup_batch_size=100, **way.way)
    last = {row["id"]: row["v"] for row in result.rows("whole")}
    assert last == dict.fromkeys(range(1, 501), "new")


@pytest.mark.fault(38)
def test_an_address_that_leads_to_two_servers_in_turn_stops(
    source: Source, other: Server, relay: MakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_mysql.source.session.idle._MOST", 0)  # each question connects
    fill([source, other], "balanced", ["(1, 'a', '2024-01-01')"])
    way = relay("--then", other.socket, "--in-turn")
    result = source.run(source.catalog("balanced", key="update_at"), **way.way)
    assert isinstance(result.error, SourceError)
    assert "consecutive attempts: the server was " in str(result.error)
    assert "set DB_HOST to a single server" in str(result.error)
    assert result.of("STATE") == []


@pytest.mark.fault(222)
def test_a_table_that_is_looked_at_again_is_asked_of_the_server_that_answers_now(
    source: Source, other: Server, relay: MakeRelay
) -> None:
    fill([source, other], "again", [], "id INT PRIMARY KEY")
    other.sql("ALTER TABLE again ADD COLUMN new INT")
    way = relay("--then", other.socket, "--in-turn")
    tap = TapMySQL(config=source.config(**way.way), catalog=source.catalog("again"))
    try:
        assert tap.streams
        found = tap.look_again(TableName(DATABASE, "again"))
    finally:
        tap.close()
    assert [column.name for column in found.columns] == ["id", "new"]


# -- replicas


@pytest.fixture
def replica(servers: Sequence[Server], source: Source) -> Iterator[Server]:
    """The replica, which has caught up; the reader may ask how far it is behind."""
    primary, found = servers
    reader = f"{source.sandbox.env()['DB_USER']}@localhost"
    if not found.is_mysql:  # where the right to read the log is another one
        found.sql(f"GRANT REPLICA MONITOR ON *.* TO {reader}")
    marker = f"caught_up_{time.monotonic_ns()}"
    primary.sql(f"CREATE TABLE {marker} (id INT)")
    wait_for(lambda: found.sql("SHOW TABLES LIKE %s", marker))
    primary.sql(f"DROP TABLE {marker}")
    yield found
    if not found.is_mysql:
        found.sql(f"REVOKE REPLICA MONITOR ON *.* FROM {reader}")


def lag_of(replica: Server) -> int | None:
    with replica.part.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW REPLICA STATUS")
        names = [column[0] for column in cursor.description or ()]
        (row,) = cursor.fetchall()
    found = dict(zip(names, row, strict=True))
    word = "Source" if replica.is_mysql else "Master"
    lag: int | None = found[f"Seconds_Behind_{word}"]
    return lag


@contextmanager
def behind(servers: Sequence[Server], table: str, statement: str) -> Iterator[None]:
    """The replica has not got a change to a table that was made two seconds ago, or more."""
    primary, replica = servers
    with replica.session() as hold:
        hold(f"LOCK TABLES {table} READ")
        primary.sql(statement)
        wait_for(lambda: (lag_of(replica) or 0) >= 2)
        yield
        hold("UNLOCK TABLES")


@pytest.mark.fault(13)
def test_the_bookmark_does_not_pass_what_a_replica_has_applied(
    source: Source, servers: Sequence[Server], replica: Server, relay: MakeRelay
) -> None:
    primary, _ = servers
    # A row of the future, whose bookmark would be the clock's: beyond what is still to come.
    rows = ["(1, 'a', '2024-01-01')", "(2, 'future', UTC_TIMESTAMP() + INTERVAL 1 DAY)"]
    fill([primary], "lagging", rows)
    wait_for(lambda: replica.sql("SHOW TABLES LIKE 'lagging'"))
    wait_for(lambda: replica.sql("SELECT id FROM lagging") == [(1,), (2,)])
    way = relay(socket=replica.socket)
    insert = "INSERT INTO lagging VALUES (3, 'late', UTC_TIMESTAMP())"
    with behind(servers, "lagging", insert):
        first = source.read("lagging", "update_at", **NO_LOOKBACK, **way.way)
        stopped = source.run(
            source.catalog("lagging", key="update_at"),
            backup_max_replica_lag_seconds=1,
            **way.way,
        )
    ((late,),) = primary.sql("SELECT update_at FROM lagging WHERE id = 3")
    assert first.ids("lagging") == [1, 2]
    value = datetime.fromisoformat(first.bookmark("lagging")["replication_key_value"])
    assert late - timedelta(seconds=60) < value <= late
    assert isinstance(stopped.error, SourceError)
    assert stopped.error.retryable
    assert stopped.error.table == "tap_test.lagging"
    assert "s behind its source, and BACKUP_MAX_REPLICA_LAG_SECONDS is 1" in str(stopped.error)
    assert stopped.messages == []

    wait_for(lambda: replica.sql("SELECT id FROM lagging WHERE id = 3"))
    wait_for(lambda: lag_of(replica) == 0)
    second = source.read(
        "lagging", "update_at", first.state,
        backup_max_replica_lag_seconds=1, **NO_LOOKBACK, **way.way,
    )  # fmt: skip
    assert 3 in second.ids("lagging")


@pytest.mark.fault(13)
def test_a_replica_that_does_not_replicate_stops_or_is_told_once(
    source: Source,
    servers: Sequence[Server],
    replica: Server,
    relay: MakeRelay,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(servers[:1], "halted", ["(1, 'a', '2024-01-01')"])
    fill(servers[:1], "halted_too", ["(1, 'a', '2024-01-01')"])
    wait_for(lambda: replica.sql("SHOW TABLES LIKE 'halted_too'"))
    wait_for(lambda: replica.sql("SELECT id FROM halted_too"))
    way = relay(socket=replica.socket)
    catalog = source.catalog("halted", "halted_too", key="update_at")
    replica.sql("STOP REPLICA SQL_THREAD")
    try:
        stopped = source.run(catalog, backup_max_replica_lag_seconds=60, **way.way)
        read = source.run(catalog, **way.way)
    finally:
        replica.sql("START REPLICA SQL_THREAD")
    assert isinstance(stopped.error, SourceError)
    for error in stopped.error.of_tables:
        assert "applying (SQL) thread: No" in str(error)
        assert "START REPLICA" in str(error)
    assert "2 of 2 tables failed" in str(stopped.error)
    assert stopped.messages == []
    assert read.error is None
    assert read.ids("halted") == read.ids("halted_too") == [1]
    (warning,) = told(caplog, "replica")
    assert "is not replicating" in warning


@pytest.fixture
def without_right(source: Source) -> Iterator[str]:
    """The right to ask how far a replica is behind, which the reader does not have."""
    reader = f"{source.sandbox.env()['DB_USER']}@localhost"
    if not source.is_mysql:
        yield "REPLICA MONITOR"
        return
    source.sql(f"REVOKE REPLICATION CLIENT ON *.* FROM {reader}")
    yield "REPLICATION CLIENT"
    source.sql(f"GRANT REPLICATION CLIENT ON *.* TO {reader}")


@pytest.mark.fault(13)
def test_whether_a_server_is_a_replica_may_be_hidden(
    source: Source, caplog: pytest.LogCaptureFixture, without_right: str
) -> None:
    fill([source], "hidden", ["(1, 'a', '2024-01-01')"])
    fill([source], "hidden_too", ["(1, 'a', '2024-01-01')"])
    caplog.set_level(logging.INFO)
    catalog = source.catalog("hidden", "hidden_too", key="update_at")
    read = source.run(catalog)
    assert read.error is None
    (record,) = [r for r in caplog.records if r.name == "tap-mysql.replica"]
    assert record.levelno == logging.INFO
    assert f"GRANT {without_right} ON *.*" in record.getMessage()
    refused = source.run(
        source.catalog("hidden", key="update_at"), backup_max_replica_lag_seconds=9
    )
    assert isinstance(refused.error, ConfigError)
    assert f"GRANT {without_right} ON *.*" in str(refused.error)
    assert refused.messages == []


def test_a_server_that_is_no_replica_is_never_behind(
    source: Source, caplog: pytest.LogCaptureFixture, without_right: str
) -> None:
    reader = f"{source.sandbox.env()['DB_USER']}@localhost"
    fill([source], "primary_one", ["(1, 'a', '2024-01-01')"])
    source.sql(f"GRANT {without_right} ON *.* TO {reader}")
    try:
        result = source.read("primary_one", "update_at", backup_max_replica_lag_seconds=1)
    finally:
        source.sql(f"REVOKE {without_right} ON *.* FROM {reader}")
    assert result.ids("primary_one") == [1]
    assert told(caplog, "replica") == []


@pytest.mark.fault(214)
def test_a_database_that_is_left_out_of_the_log_is_refused_and_others_go_on(
    source: Source, other: Server, relay: MakeRelay
) -> None:
    reader = f"{source.sandbox.env()['DB_USER']}@localhost"
    fill([other], "logged", ["(1)"], "id INT PRIMARY KEY")
    other.sql(f"CREATE DATABASE {UNLOGGED}")
    for statement in (  # from within it, so that a replica does not hear of it
        "CREATE TABLE logged (id INT PRIMARY KEY)",
        f"GRANT SELECT, SHOW VIEW ON {UNLOGGED}.* TO {reader}",
    ):
        other.part.query(statement, database=UNLOGGED)
    catalog = source.catalog("logged", "logged")
    catalog["streams"][1]["tap_stream_id"] = f"{UNLOGGED}-logged"
    for stream in catalog["streams"]:
        stream["replication_method"] = "LOG_BASED"
    done = source.run(catalog, db_schemas=[UNLOGGED], **relay(socket=other.socket).way)
    assert isinstance(done.error, SourceError)
    (error,) = done.error.of_tables
    assert error.table == f"{UNLOGGED}.logged"
    assert "binlog_ignore_db is unlogged, must be without unlogged" in error.message
    assert "restart the server" in str(error.hint)
    assert done.ids("logged") == [1]


@pytest.mark.fault(183)
@pytest.mark.fault(207)
def test_the_log_of_a_replica_goes_on_where_it_has_all_and_stops_where_it_has_not(
    source: Source, servers: Sequence[Server], relay: MakeRelay
) -> None:
    """The last one here: the two servers go ways of their own in the end."""
    primary, replica = servers
    ways = [relay(socket=server.socket).way for server in servers]
    catalog = source.catalog("parted")
    catalog["streams"][0]["replication_method"] = "LOG_BASED"

    def fails(state: dict[str, Any]) -> str:
        done = source.run(catalog, state, **ways[1])
        assert isinstance(done.error, SourceError)
        assert (done.error.exit_code, done.messages) == (1, [])
        place = state["bookmarks"]["tap_test-parted"]["tidemark"]["position"]
        assert f"{place['file']}:{place['offset']}" in done.error.message, "from here"
        assert " to " in done.error.message, "and to here"
        assert "tidemark resync -t tap_test.parted" in str(done.error.hint)
        return done.error.message

    primary.sql("CREATE TABLE parted (id INT PRIMARY KEY)")
    primary.sql("INSERT INTO parted VALUES (1)")
    first = source.run(catalog, **ways[0])
    primary.sql("INSERT INTO parted VALUES (2)")
    wait_for(lambda: replica.sql("SHOW TABLES LIKE 'parted'"))
    wait_for(lambda: replica.sql("SELECT * FROM parted WHERE id = 2"))
    second = source.run(catalog, first.state, **ways[1])
    assert (second.error, second.ids("parted")) == (None, [2])
    replica.sql("STOP REPLICA")
    primary.sql("INSERT INTO parted VALUES (3)")
    ahead = source.run(catalog, first.state, **ways[0])
    assert ahead.ids("parted") == [2, 3]
    fails(ahead.state)
    # It takes over all the same, and what is written there has the numbers of what it lacks.
    for number in range(10, 20):
        replica.sql("INSERT INTO parted VALUES (%s)", number)
    fails(ahead.state)

"""No reading passes over what it cannot see: each way to make a gap, and its error."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from mysql_binlog import (
    AnotherServer,
    BinlogError,
    LogPurged,
    Position,
    RefusedRead,
    StalledStream,
    UnreachablePosition,
    check_log,
    current_position,
    key_columns,
    log_retention,
    read_changes,
)
from mysql_binlog.check import _retention
from mysql_binlog.filters import left_out
from mysql_binlog.position import Flavor
from mysql_binlog.wire.start import Facts, choose
from servers import Server, more_servers, wait_for

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox

    from tests.mysql_binlog.conftest import Log


@pytest.fixture
def table(log: Log) -> str:
    log.sql("DROP TABLE IF EXISTS t", "CREATE TABLE t (id INT PRIMARY KEY)")
    return "t"


def read_to(log: Log, since: Position) -> Position:
    """The position that a reading to the end gives, of a log that has something to read."""
    log.sql("INSERT INTO t VALUES (1000)", "DELETE FROM t WHERE id = 1000")
    return log.batches(since, ["t"])[-1].position


def purge(log: Log) -> None:
    """Removes all but the last file, when the server is done with them."""
    end = log.end().file

    def only_one() -> bool:
        log.sql(f"PURGE BINARY LOGS TO '{end}'")
        return len(log.sql("SHOW BINARY LOGS")) == 1

    wait_for(only_one)


def refused(
    log: Log, since: Position, kind: type[BinlogError], until: Position | None = None
) -> str:
    end = until or log.end()
    with pytest.raises(kind) as found:
        log.batches(since, ["t"], until=end)
    assert str(since) in str(found.value)
    assert str(end) in str(found.value)
    return str(found.value)


@pytest.mark.fault(173)
def test_a_log_that_was_purged_stops(log: Log, table: str) -> None:
    since = log.end()
    log.sql("INSERT INTO t VALUES (1)", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
    purge(log)
    refused(log, since, LogPurged)
    refused(log, replace(since, created=1), LogPurged)
    refused(log, replace(since, gtid=""), LogPurged)


@pytest.mark.fault(173)
def test_a_purged_file_that_was_read_to_its_end_is_no_gap(log: Log, table: str) -> None:
    since = read_to(log, log.end())
    log.sql("FLUSH BINARY LOGS", "INSERT INTO t VALUES (1)")
    purge(log)
    assert log.changed(since, table) == {(1,)}


@pytest.mark.fault(173)
def test_a_numbering_that_was_reset_stops(log: Log, table: str) -> None:
    log.sql("FLUSH BINARY LOGS", "INSERT INTO t VALUES (1), (2)")
    first = log.end()
    since = read_to(log, first)
    reset = "RESET BINARY LOGS AND GTIDS" if log.is_mysql else "RESET MASTER"
    log.sql(reset, "INSERT INTO t VALUES (3)")
    refused(log, since, UnreachablePosition)  # there is no such file
    refused(log, first, UnreachablePosition)
    log.sql(reset, *(f"INSERT INTO t VALUES ({n})" for n in range(10, 30)))
    early = read_to(log, log.end())
    time.sleep(1.1)  # a file's creation is known to the second
    log.sql(reset, "INSERT INTO t VALUES (4)")
    refused(log, early, UnreachablePosition)  # the file is shorter than it was
    log.sql(*(f"INSERT INTO t VALUES ({n})" for n in range(40, 90)))
    refused(log, early, UnreachablePosition)  # it is longer, and another one


@pytest.mark.fault(173)
def test_a_position_between_two_events_stops(log: Log, table: str) -> None:
    since = read_to(log, log.end())
    log.sql("INSERT INTO t VALUES (2)")
    refused(log, replace(since, offset=since.offset + 7), UnreachablePosition)


@pytest.mark.fault(173)
def test_an_end_that_the_log_does_not_have_stops(log: Log, table: str) -> None:
    since = read_to(log, log.end())
    log.sql("INSERT INTO t VALUES (1)")
    end = log.end()
    inside, behind = replace(end, offset=end.offset - 5), replace(end, offset=end.offset + 5)
    assert "inside a transaction" in refused(log, since, UnreachablePosition, inside)
    assert "the log ends at" in refused(log, since, UnreachablePosition, behind)
    before = replace(since, offset=since.offset - 5)
    assert "before the start" in refused(log, since, UnreachablePosition, before)


@pytest.mark.fault(173)
def test_another_servers_position_stops(log: Log, table: str) -> None:
    since = log.end()
    other = replace(since, server="somebody else")
    refused(log, replace(other, gtid=""), AnotherServer)
    with pytest.raises(AnotherServer):
        log.batches(since, ["t"], until=other)
    flavors: dict[bool, Flavor] = {True: "mariadb", False: "mysql"}
    with pytest.raises(AnotherServer):
        log.batches(replace(since, flavor=flavors[log.is_mysql], gtid=""), ["t"])
    ahead = "00000000-0000-0000-0000-000000000001:1-9" if log.is_mysql else "7-7-7"
    refused(log, replace(other, gtid=ahead), UnreachablePosition)


@pytest.mark.fault(173)
def test_a_reader_without_rights_is_refused(log: Log, table: str) -> None:
    since = log.end()
    user = "'binlog_nobody'@'localhost'"
    log.sql(f"DROP USER IF EXISTS {user}", f"CREATE USER {user} IDENTIFIED BY 'x'",
            f"GRANT SELECT ON {log.database}.* TO {user}")  # fmt: skip
    words = {"user": "binlog_nobody", "password": "x", "ssl_disabled": True}
    if log.is_mysql:
        words |= {"ssl_disabled": False, "ssl_verify_cert": False, "ssl": {"check_hostname": False}}
    with closing(log.connect(**words)) as connection:
        with pytest.raises(RefusedRead, match="GRANT"):
            current_position(connection)
        found = {problem.setting: problem for problem in check_log(connection)}
    right = "REPLICATION CLIENT" if log.is_mysql else "BINLOG MONITOR"
    assert set(found) == {"REPLICATION SLAVE", right}
    assert all(problem.fatal for problem in found.values())
    log.sql(found[right].statement)
    wanted = log.keys_of(table)
    log.sql("INSERT INTO t VALUES (1)")
    with pytest.raises(RefusedRead):
        [*read_changes(lambda: log.connect(**words), since, log.end(), wanted, server_id=9)]
    log.sql(found["REPLICATION SLAVE"].statement)
    batches = [*read_changes(lambda: log.connect(**words), since, log.end(), wanted, server_id=9)]
    assert set(batches[0].keys[log.database, table]) == {(1,)}
    log.sql(f"DROP USER {user}")


@pytest.mark.fault(173)
def test_two_connections_to_two_servers_stop(log: Log, table: str) -> None:
    """Behind a balancer the second connection may end elsewhere."""
    since = log.end()
    log.sql("INSERT INTO t VALUES (1)")
    opened: list[pymysql.Connection[Any]] = []

    def connect() -> pymysql.Connection[Any]:
        opened.append(log.connect())
        if len(opened) == 2:  # as another server says it
            expression = "'another' AS u, 'ON'" if log.is_mysql else "1, 'another', 3, '/'"
            real = opened[-1].query
            opened[-1].query = lambda sql, *rest: real(  # type: ignore[method-assign]
                f"SELECT {expression}" if "@@GLOBAL.server_" in sql else sql, *rest
            )
        return opened[-1]

    with pytest.raises(AnotherServer, match="two connections"):
        [*read_changes(connect, since, log.end(), log.keys_of(table), server_id=9)]


@pytest.fixture(scope="module")
def pair(sandbox: Sandbox) -> Iterator[Sequence[Server]]:
    """A server and its replica."""
    with more_servers(sandbox, 2, "fail_over") as servers:
        servers[1].follow(servers[0])
        yield servers


@pytest.mark.soak
@pytest.mark.fault(173)
def test_a_failover_loses_nothing_and_a_replica_that_is_behind_stops(
    pair: Sequence[Server],
) -> None:
    primary, replica = pair
    primary.sql("CREATE TABLE t (id INT PRIMARY KEY)")
    wait_for(lambda: replica.sql("SHOW TABLES LIKE 't'"))
    table = ("fail_over", "t")

    def read(since: Position, server: Server) -> tuple[set[object], Position]:
        with closing(server.part.connect()) as connection:
            wanted, until = {table: key_columns(connection, table)}, current_position(connection)
        batches = [*read_changes(server.part.connect, since, until, wanted, server_id=99)]
        found = {key for batch in batches for (key,) in batch.keys.get(table, ())}
        return found, batches[-1].position

    with closing(primary.part.connect()) as connection:
        since = current_position(connection)
    primary.sql("INSERT INTO t VALUES (1)")
    found, position = read(since, primary)
    assert found == {1}
    primary.sql("INSERT INTO t VALUES (2)")
    wait_for(lambda: replica.sql("SELECT * FROM t WHERE id = 2"))
    found, there = read(position, replica)
    assert found == {2}
    assert there.server != position.server
    replica.sql("STOP REPLICA")
    primary.sql("INSERT INTO t VALUES (3)")
    _, ahead = read(position, primary)
    with pytest.raises(UnreachablePosition):
        read(ahead, replica)


# -- without a server


def facts(**changed: Any) -> Facts:
    files = {"log.000003": 1000, "log.000004": 500}
    return replace(Facts("s", False, files, "", ""), **changed)


AT = Position("log.000003", 400, "", "s", "mysql")
END = replace(AT, file="log.000004", offset=500)


def test_a_log_without_gtids_is_read_by_file_and_offset() -> None:
    start = choose(facts(), AT, END)
    assert (start.file, start.offset, start.gtid) == ("log.000003", 400, None)
    beyond = replace(AT, offset=5 * 2**30)
    start = choose(facts(files={"log.000003": 2**33, "log.000004": 500}), beyond, END)
    assert (start.offset, start.skip_to) == (4, 5 * 2**30)


@pytest.mark.parametrize(
    ("changed", "since", "kind"),
    [
        ({}, replace(AT, file="log.000002"), LogPurged),
        ({}, replace(AT, file="log.000005"), UnreachablePosition),
        ({}, replace(AT, offset=1001), UnreachablePosition),
        ({}, replace(AT, server="t"), AnotherServer),
        ({"identity": "t"}, AT, AnotherServer),
        ({}, replace(END, offset=500, file="log.000004", server="t"), AnotherServer),
        ({"files": {}}, AT, UnreachablePosition),
    ],
)
@pytest.mark.fault(173)
def test_what_a_server_says_decides(
    changed: dict[str, object], since: Position, kind: type[BinlogError]
) -> None:
    with pytest.raises(kind):
        choose(facts(**changed), since, END)


@pytest.mark.fault(214)
@pytest.mark.parametrize(
    ("only", "never", "expected"),
    [
        ((), (), {}),
        (("a",), ("a",), {"b": "binlog_do_db", "B": "binlog_do_db"}),
        ((), ("B", "c"), {"b": "binlog_ignore_db", "B": "binlog_ignore_db"}),
    ],
)
def test_databases_that_are_not_logged_are_found(
    only: Sequence[str], never: Sequence[str], expected: dict[str, str]
) -> None:
    found = left_out(["a", "b", "B"], frozenset(only), frozenset(never))
    assert {schema: problem.setting for schema, problem in found.items()} == expected


def test_positions_are_written_and_read() -> None:
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:8:tag_1:1-3"
    position = Position("binlog.000001", 5 * 2**30, gtid, "u", "mysql", 7)
    assert Position.from_json(position.to_json()) == position
    assert "asked" not in position.to_json()  # the file's own time is known
    unread = replace(position, created=0, asked=9)
    assert Position.from_json(unread.to_json()).asked == 9
    told: list[Any] = [{}, {"file": 1}, position.to_json() | {"offset": -1}, None, [],
                       position.to_json() | {"gtid": "x"}, position.to_json() | {"file": "binlog"},
                       position.to_json() | {"flavor": "postgres"}]  # fmt: skip
    for wrong in told:
        with pytest.raises(ValueError, match=r"position|GTID|UUID|badly"):
            Position.from_json(wrong)


def test_errors_name_both_positions() -> None:
    error = StalledStream("nothing came").between(AT, END)
    assert str(error) == f"nothing came (reading from {AT} to {END})"


@pytest.mark.fault(201)
def test_how_long_the_log_is_kept_is_what_the_server_says(log: Log) -> None:
    names = [str(row[0]) for row in log.sql("SHOW GLOBAL VARIABLES LIKE 'binlog_expire_logs_%'")]
    before = {name: log.sql(f"SELECT @@GLOBAL.{name}")[0][0] for name in names}

    def kept() -> float | None:
        with closing(log.connect()) as connection:
            return log_retention(connection)

    try:
        log.sql("SET GLOBAL binlog_expire_logs_seconds = 86400")
        assert kept() == 86_400
        log.sql("SET GLOBAL binlog_expire_logs_seconds = 0")
        assert kept() is None
        if "binlog_expire_logs_auto_purge" in names:
            log.sql("SET GLOBAL binlog_expire_logs_seconds = 86400",
                    "SET GLOBAL binlog_expire_logs_auto_purge = 0")  # fmt: skip
            assert kept() is None
        for value, seconds in (("'72'", 259_200), ("NULL", 0)):
            log.sql(
                "DROP PROCEDURE IF EXISTS mysql.rds_show_configuration",
                "CREATE PROCEDURE mysql.rds_show_configuration() SELECT 'binlog retention hours', "
                f"{value}, 'as RDS tells it'",
            )
            assert kept() == seconds
            with closing(log.connect()) as connection:
                told = {each.setting: each.statement for each in check_log(connection)}
            assert "rds_set_configuration" in told["binlog retention hours"]
    finally:
        log.sql(*(f"SET GLOBAL {name} = {value}" for name, value in before.items()),
                "DROP PROCEDURE IF EXISTS mysql.rds_show_configuration")  # fmt: skip


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        ({"expire_logs_days": "2"}, 172_800),
        ({"expire_logs_days": "0.5", "binlog_expire_logs_seconds": "0"}, 43_200),
        ({"expire_logs_days": "0"}, None),
        ({"expire_logs_days": "2", "binlog_expire_logs_seconds": "60"}, 60),
        ({}, None),
    ],
)
def test_how_long_a_log_is_kept_by_old_settings_and_new(
    found: dict[str, str], seconds: float | None
) -> None:
    assert _retention(found) == seconds

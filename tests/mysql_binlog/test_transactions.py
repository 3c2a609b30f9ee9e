"""Transactions of any kind and size, and statements that change a table as a whole."""

from __future__ import annotations

import random
import threading
import time
import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from mysql_binlog import (
    BinlogError,
    Change,
    Position,
    UnreadableChange,
    current_position,
    key_columns,
    read_changes,
)
from projects.pages import Block
from tidemark_sandbox.settings.accounts import account_name

if TYPE_CHECKING:
    from tests.mysql_binlog.conftest import Log


@pytest.fixture
def table(log: Log) -> str:
    """An empty table ``t`` with the key ``id``."""
    log.sql("DROP TABLE IF EXISTS t", "CREATE TABLE t (id INT PRIMARY KEY, t LONGTEXT)")
    return "t"


def refused(log: Log, since: Position) -> str:
    """The error of a reading that cannot be done."""
    with pytest.raises(UnreadableChange) as found:
        log.batches(since, ["t"])
    assert str(since) in str(found.value)
    assert log.end().file in str(found.value)
    return str(found.value)


@pytest.mark.fault(181)
def test_an_xa_transaction_is_given_when_it_is_committed(log: Log, table: str) -> None:
    start = log.end()
    log.sql("INSERT INTO t VALUES (1, '')")
    before = log.batches(start, [table])[-1].position
    log.sql("XA START 'a', 'b'", "INSERT INTO t VALUES (2, '')", "XA END 'a', 'b'",
            "XA PREPARE 'a', 'b'")  # fmt: skip
    log.sql("INSERT INTO t VALUES (3, '')")
    (batch,) = log.batches(before, [table])
    assert set(batch.keys[log.database, table]) == {(3,)}
    assert batch.position == before
    assert len(batch.pending) == 1
    (batch,) = log.batches(batch.position, [table])
    log.sql(f"XA COMMIT {batch.pending[0]}")
    (last,) = log.batches(batch.position, [table])
    assert {(2,)} <= set(last.keys[log.database, table])
    assert last.pending == ()
    assert last.position.order == log.end().order


@pytest.mark.fault(181)
def test_an_xa_transaction_may_end_at_once_or_be_rolled_back(log: Log, table: str) -> None:
    since = log.end()
    log.sql("XA START 'one'", "INSERT INTO t VALUES (1, '')", "XA END 'one'",
            "XA COMMIT 'one' ONE PHASE")  # fmt: skip
    log.sql("XA START 'two'", "INSERT INTO t VALUES (2, '')", "XA END 'two'", "XA PREPARE 'two'")
    log.sql("XA ROLLBACK 'two'")
    assert log.changed(since, table) == {(1,)}


@pytest.mark.fault(174)
def test_an_xa_commit_of_what_was_prepared_before_stops(log: Log, table: str) -> None:
    log.sql("XA START 'old'", "INSERT INTO t VALUES (1, '')", "XA END 'old'", "XA PREPARE 'old'")
    since = log.end()
    log.sql("XA COMMIT 'old'")
    assert "it was prepared before the start position" in refused(log, since)


@pytest.mark.fault(174)
def test_a_statement_in_place_of_its_rows_stops(log: Log, table: str) -> None:
    since = log.end()
    with log.session("binlog_format = 'STATEMENT'") as cursor:
        cursor.execute("INSERT INTO t VALUES (1, 'x')")
    assert "INSERT INTO t" in refused(log, since)


@pytest.mark.fault(174)
def test_a_row_that_is_logged_without_its_key_stops(log: Log) -> None:
    log.sql("DROP TABLE IF EXISTS d", "CREATE TABLE d (a INT DEFAULT 5, b INT, PRIMARY KEY (a, b))")
    since = log.end()
    with log.session("binlog_row_image = 'MINIMAL'") as cursor:
        cursor.execute("INSERT INTO d (b) VALUES (1)")
    with pytest.raises(UnreadableChange, match="binlog_row_image"):
        log.changed(since, "d")


@pytest.mark.fault(180)
def test_statements_about_the_table_are_told_in_order(log: Log, table: str) -> None:
    since = log.end()
    wanted = log.keys_of(table)
    log.sql(
        "INSERT INTO t VALUES (1, '')", "TRUNCATE TABLE t", "ALTER TABLE t COMMENT 'x'",
        "/* a comment */ RENAME TABLE t TO other", "CREATE TABLE t LIKE other",
        f"DROP TABLE `{log.database}`.`t`, other", "CREATE TABLE t (id INT PRIMARY KEY)",
        "CREATE TABLE s AS SELECT 1 AS id", "DROP TABLE s", "INSERT INTO t VALUES (7)",
    )  # fmt: skip
    (batch,) = log.batches(since, wanted)
    kinds = [statement.kind for statement in batch.statements]
    assert kinds == ["truncate", "alter", "rename", "create", "drop", "create"]
    assert (7,) in batch.keys[log.database, "t"]  # the key is where it was in the table before


@pytest.mark.fault(180)
def test_rows_from_before_a_column_moved_are_not_taken_for_others(log: Log, table: str) -> None:
    log.sql("DROP TABLE IF EXISTS m", "CREATE TABLE m (id INT PRIMARY KEY, n BIGINT)")
    since = log.end()
    log.sql("INSERT INTO m VALUES (1, 2)", "ALTER TABLE m ADD COLUMN f BIGINT FIRST",
            "INSERT INTO m VALUES (3, 4, 5)")  # fmt: skip
    (batch,) = log.batches(since, ["m"])
    assert [s.kind for s in batch.statements] == ["layout", "alter"]
    assert all(statement.keys_uncertain for statement in batch.statements)
    assert set(batch.keys[log.database, "m"]) == {(4,)}


@pytest.mark.fault(178)
def test_a_large_transaction_comes_in_batches_that_keep_its_beginning(log: Log, table: str) -> None:
    since = log.end()
    log.sql("INSERT INTO t VALUES (-1, '')")
    rows = ", ".join(f"({n}, 'x')" for n in range(5_000))
    log.sql("BEGIN", f"INSERT INTO t VALUES {rows}", "UPDATE t SET t = 'y'", "COMMIT")
    batches = log.batches(since, [table], batch_keys=1_000)
    assert len(batches) > 4
    assert {batch.position.order for batch in batches[1:-1]} == {batches[1].position.order}
    assert batches[-1].position.order == log.end().order
    assert {key for batch in batches for (key,) in batch.keys[log.database, table]} == {
        *range(-1, 5_000)
    }
    again = log.batches(batches[1].position, [table])
    assert len(again[-1].keys[log.database, table]) >= 5_000


@pytest.mark.fault(178)
@pytest.mark.parametrize("squeezed", [False, True], ids=["plain", "compressed"])
def test_a_row_of_many_packets_is_passed_over_in_little_memory(
    log: Log, table: str, squeezed: bool
) -> None:
    since = log.end()
    setting = "autocommit = 1"
    if log.is_mysql and squeezed:
        setting = "binlog_transaction_compression = 1"
    elif squeezed:
        log.sql("SET GLOBAL log_bin_compress = 1")
    with log.session(setting) as cursor:
        # As many bytes as fill two packets to the last, and one that fills none.
        cursor.execute("INSERT INTO t VALUES (1, REPEAT('x', 34000000)), (2, 'y')")
        cursor.execute("UPDATE t SET t = CONCAT(t, 'z')")
        cursor.execute("DELETE FROM t WHERE id = 1")
    if squeezed and not log.is_mysql:
        log.sql("SET GLOBAL log_bin_compress = 0")
    until = log.end()
    wanted = log.keys_of(table)
    tracemalloc.start()
    try:
        (batch,) = log.batches(since, wanted, until=until)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert batch.keys[log.database, table] == {(1,): "delete", (2,): "update"}
    assert peak < 30e6


@pytest.mark.fault(181)
def test_what_is_given_is_committed(log: Log, table: str) -> None:
    """Another session writes all the time; each key that is read must be there to be read."""
    log.sql("FLUSH BINARY LOGS")  # the server need not read what other tests have left
    stop = threading.Event()

    def write() -> None:
        with log.session() as cursor:
            number = 0
            while not stop.is_set():
                number += 1
                cursor.execute("INSERT INTO t VALUES (%s, '')", (number,))

    with closing(log.connect(database=log.database)) as connection:
        wanted = {(log.database, table): key_columns(connection, (log.database, table))}
        at = current_position(connection)
        writer = threading.Thread(target=write)
        writer.start()
        limit, seen = time.monotonic() + 20, 0
        try:
            while seen < 100 and time.monotonic() < limit:
                until = current_position(connection)
                for batch in read_changes(log.connect, at, until, wanted, server_id=4_712):
                    keys = [key for (key,) in batch.keys.get((log.database, table), ())]
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT id FROM t")
                        there = {key for (key,) in cursor.fetchall()}
                    assert set(keys) <= there
                    seen += len(keys)
                    at = batch.position
        finally:
            stop.set()
            writer.join()
    assert seen >= 100


@pytest.mark.mysql
def test_tagged_gtids_are_followed(log: Log, table: str) -> None:
    since = log.end()
    with log.session() as cursor:
        cursor.execute("SET gtid_next = 'AUTOMATIC:night_run'")
        for number in range(3):
            cursor.execute("INSERT INTO t VALUES (%s, '')", (number,))
    (batch,) = log.batches(since, [table])
    assert len(batch.keys[log.database, table]) == 3
    assert "night_run" in batch.position.gtid
    log.sql("INSERT INTO t VALUES (9, '')")
    again = Position.from_json(batch.position.to_json() | {"created": 0})
    assert log.changed(again, table) == {(9,)}


@pytest.mark.mysql
def test_json_that_is_changed_in_part_is_passed_over(log: Log) -> None:
    log.sql(
        "DROP TABLE IF EXISTS j",
        "CREATE TABLE j (a JSON, id INT PRIMARY KEY, b JSON, t TEXT)",
        """INSERT INTO j VALUES ('{"x": [1, 2], "y": "aaaaaaaaaaaaaa"}', 1, '{}', 't')""",
    )
    since = log.end()
    with log.session("binlog_row_value_options = 'PARTIAL_JSON'") as cursor:
        cursor.execute("UPDATE j SET a = JSON_SET(a, '$.x[0]', 9), id = 2")
        cursor.execute("UPDATE j SET b = JSON_SET(b, '$.z', 9), t = 'u'")
    assert log.changed(since, "j") == {(1,), (2,)}


@pytest.mark.soak
@pytest.mark.fault(178)
def test_a_transaction_of_a_gigabyte_is_read_in_little_memory(log: Log, table: str) -> None:
    since = log.end()
    with log.session() as cursor:
        cursor.execute("BEGIN")
        for start in range(0, 1_000_000, 10_000):
            rows = ", ".join(f"({n}, REPEAT('x', 1100))" for n in range(start, start + 10_000))
            cursor.execute(f"INSERT INTO t VALUES {rows}")
        cursor.execute("COMMIT")
    until, wanted, keys, chance = log.end(), log.keys_of(table), 0, random.Random(1)
    # A file that long is followed by the next one.
    assert {row[0]: int(row[1]) for row in log.sql("SHOW BINARY LOGS")}[since.file] > 10**9
    tracemalloc.start()
    for batch in read_changes(log.connect, since, until, wanted, server_id=chance.randrange(1, 9)):
        keys += sum(map(len, batch.keys.values()))
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
    assert keys == 1_000_000
    log.sql("TRUNCATE TABLE t")


def test_a_wrong_wish_is_told(log: Log) -> None:
    log.sql("DROP TABLE IF EXISTS k", "CREATE TABLE k (a INT)")
    with closing(log.connect()) as connection:
        with pytest.raises(BinlogError, match=r"mysql_binlog_test\.k has no primary key"):
            key_columns(connection, (log.database, "k"))
        with pytest.raises(BinlogError, match=r"k has no column b"):
            key_columns(connection, (log.database, "k"), ["b"])
        with pytest.raises(BinlogError, match="does not exist"):
            key_columns(connection, (log.database, "nowhere"))


def test_the_page_reads_a_log_as_printed(log: Log, printed: list[Block]) -> None:
    log.sql("DROP TABLE IF EXISTS orders", "CREATE TABLE orders (id INT PRIMARY KEY)")
    (block,) = printed
    way = f"unix_socket={log.socket!r}, user={account_name()!r}"
    text = block.text.replace('host="db.example", user="reader", password="…"', way)
    text = text.replace('"shop"', repr(log.database))
    text = text.replace("...  # time goes by", "write()").replace(
        "...  # change", "found += [change]  #"
    )
    found: list[Change] = []
    exec(text, {"found": found, "write": lambda: log.sql("INSERT INTO orders VALUES (7)")})
    assert found == [Change((log.database, "orders"), "write", (7,))]

"""Statements that do not begin with what they do, or do more than they say: all are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mysql_binlog import UnreadableChange

if TYPE_CHECKING:
    from tests.mysql_binlog.conftest import Log

#: Logged as they are written where the format is STATEMENT; the second ones MariaDB alone knows.
CHANGES = (f"/* {'x' * 5000} */ UPDATE t SET v = 9", "SELECT grow()")
MARIADB_CHANGES = ("SET STATEMENT lock_wait_timeout = 9 FOR UPDATE t SET v = 9",
                   "ANALYZE FORMAT = JSON UPDATE t SET v = 9")  # fmt: skip
_PREFIX = (
    "SET STATEMENT lock_wait_timeout = 9, sql_mode = (SELECT SUBSTRING('abc' FROM 1 FOR 0)) FOR"
)


@pytest.fixture
def table(log: Log) -> str:
    log.sql("DROP TABLE IF EXISTS t, other", "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
            "INSERT INTO t VALUES (1, 1), (2, 1)", "DROP FUNCTION IF EXISTS grow",
            "CREATE FUNCTION grow() RETURNS INT DETERMINISTIC MODIFIES SQL DATA "
            "BEGIN UPDATE t SET v = v + 1; RETURN 1; END")  # fmt: skip
    return "t"


@pytest.mark.fault(211)
def test_a_statement_in_place_of_its_rows_stops_however_it_begins(log: Log, table: str) -> None:
    for statement in (*CHANGES, *(() if log.is_mysql else MARIADB_CHANGES)):
        since = log.end()
        with log.session("binlog_format = 'STATEMENT'") as cursor:
            cursor.execute(statement)
        with pytest.raises(UnreadableChange, match="instead of the rows"):
            log.batches(since, [table])
        since = log.end()
        log.sql("ANALYZE TABLE t", "ANALYZE LOCAL TABLE t", "FLUSH TABLES", "OPTIMIZE TABLE t",
                "UPDATE t SET v = v + 1")  # fmt: skip
        assert log.changed(since, table) == {(1,), (2,)}


@pytest.mark.fault(211)
def test_what_set_statement_does_to_a_table_is_told(log: Log, table: str) -> None:
    if log.is_mysql:  # which does not know it
        return
    since, wanted = log.end(), log.keys_of(table)
    log.sql(f"{_PREFIX} TRUNCATE TABLE t", f"{_PREFIX} RENAME TABLE t TO other, other TO t",
            f"{_PREFIX} ALTER TABLE t ADD COLUMN f INT FIRST")  # fmt: skip
    (batch,) = log.batches(since, wanted)
    told = [(each.kind, each.keys_uncertain) for each in batch.statements]
    assert told == [("truncate", False), ("rename", False), ("alter", True)]


@pytest.mark.fault(212)
def test_rows_that_an_alter_takes_out_are_told(log: Log, table: str) -> None:
    if log.is_mysql:  # which has no ALTER IGNORE any more
        return
    since, wanted = log.end(), log.keys_of(table)
    log.sql("ALTER IGNORE TABLE t ADD UNIQUE KEY (v)")
    assert log.sql("SELECT * FROM t") == [(1, 1)]
    (batch,) = log.batches(since, wanted)
    assert [each.kind for each in batch.statements] == ["truncate"]


@pytest.mark.fault(213)
@pytest.mark.parametrize("text", ["é", "Ã©"], ids=["no UTF-8", "UTF-8 of another text"])
def test_keys_that_were_logged_in_another_character_set_are_uncertain(log: Log, text: str) -> None:
    log.sql("DROP TABLE IF EXISTS c, d",
            "CREATE TABLE c (id VARCHAR(9) CHARACTER SET latin1 PRIMARY KEY, v INT)",
            f"INSERT INTO c VALUES ('{text}', 1)",
            "CREATE TABLE d (id INT PRIMARY KEY)")  # fmt: skip
    since = log.end()
    log.sql("UPDATE c SET v = 2", "ALTER TABLE c CONVERT TO CHARACTER SET utf8mb4",
            "INSERT INTO d VALUES (7)")  # fmt: skip
    (batch,) = log.batches(since, ["c", "d"])
    assert {each.table[1] for each in batch.statements} == {"c"}
    assert all(each.keys_uncertain for each in batch.statements)
    assert set(batch.keys[log.database, "d"]) == {(7,)}, "other tables go on"

"""Random histories, read by the server's own log: the copies are as the tables, deletes too."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from tap_mysql.extraction.log import follow as log_follow
from tap_mysql.reading import key_reader
from tidemark_core.errors import SourceError
from tidemark_singer.files.batch_file import BatchFile

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

#: Of each table its columns, and what makes a random key; the last column is the value.
TABLES: dict[str, tuple[str, Callable[[random.Random], tuple[Any, ...]]]] = {
    "numbers": (
        "a BIGINT UNSIGNED, b DECIMAL(9,2), v INT, PRIMARY KEY (b, a)",
        lambda r: (r.choice([0, 1, 2**64 - 1]), f"{r.randint(-3, 3)}.{r.choice(['00', '50'])}"),
    ),
    "texts": (
        "a VARCHAR(20), v INT, PRIMARY KEY (a)",
        lambda r: (r.choice(["a", "A", "ä", "Ä", "a'b", "\\", "😀", "", "x" * 20]),),
    ),
    "bytes": (
        "a BINARY(3), b VARBINARY(5), v INT, PRIMARY KEY (a, b)",
        lambda r: (bytes([r.randint(0, 1), 0, 0]), r.choice([b"", b"\0", b"a "])),
    ),
    "times": (
        "a DATETIME(6), b DATE, c TIMESTAMP NOT NULL DEFAULT '2001-01-01', d YEAR, v INT,"
        "PRIMARY KEY (a, b, c, d)",
        lambda r: (
            f"200{r.randint(0, 9)}-01-02 03:04:05.{r.choice(['000000', '000001', '999999'])}",
            f"19{r.randint(10, 12)}-12-31", "2020-03-29 01:30:00", r.choice([1901, 2024]),
        ),
    ),
}  # fmt: skip


class History:
    """Statements that nobody chose, over all tables.

    Args:
        source: Where they run.
        seed: Of the choice.
    """

    def __init__(self, source: Source, seed: int) -> None:
        self._source, self._random = source, random.Random(seed)
        for table, (columns, _) in TABLES.items():
            source.make(table, columns)

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            with self._source.transaction() as run:
                for _ in range(self._random.choice([1, 1, 2, 5])):
                    self._step(run)
                if self._random.random() < 0.1:
                    run("ROLLBACK")

    def _step(self, run: Callable[..., object]) -> None:
        table = self._random.choice([*TABLES])
        key = TABLES[table][1](self._random)
        value = self._random.randint(0, 9)
        names = [part.split()[0] for part in TABLES[table][0].split(",")][: len(key)]
        where = " AND ".join(f"{name} = %s" for name in names)
        kind = self._random.choice(["write", "write", "update", "move", "delete", "all"])
        if kind == "write":
            run(f"REPLACE INTO {table} VALUES ({'%s, ' * len(key)}%s)", *key, value)
        elif kind == "update":
            run(f"UPDATE {table} SET v = %s WHERE {where}", value, *key)
        elif kind == "move":
            other = TABLES[table][1](self._random)
            assigned = ", ".join(f"{name} = %s" for name in names)
            run(f"UPDATE IGNORE {table} SET {assigned} WHERE {where}", *other, *key)
        elif kind == "delete":
            run(f"DELETE FROM {table} WHERE {where}", *key)
        else:
            run(f"UPDATE {table} SET v = v + 1")


def logged(source: Source, state: Any, **settings: Any) -> Result:
    catalog = source.catalog(*TABLES)
    for stream in catalog["streams"]:
        stream["replication_method"] = "LOG_BASED"
    return source.run(catalog, state, **settings)


def copies(files: list[tuple[str, BatchFile]]) -> dict[str, list[tuple[Any, ...]]]:
    """The newest version of each row, as a warehouse chooses it, of all files."""
    found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {table: {} for table in TABLES}
    for table, file in files:
        for row in pq.read_table(file.path).to_pylist():
            *key, _, _, _ = row.values()
            known = found[table].get(tuple(key))
            assert known is None or known["_sdc_extracted_at"] != row["_sdc_extracted_at"], row
            if known is None or known["_sdc_extracted_at"] < row["_sdc_extracted_at"]:
                found[table][tuple(key)] = row
    return {
        table: sorted(
            tuple(row.values())[:-2] for row in rows.values() if row["_sdc_deleted_at"] is None
        )
        for table, rows in found.items()
    }


def truth(source: Source) -> dict[str, list[tuple[Any, ...]]]:
    """What a whole copy of each table has."""
    whole = source.run(source.catalog(*TABLES))
    assert whole.error is None
    return {table: sorted(tuple(r.values()) for r in whole.rows(table)) for table in TABLES}


def named(messages: list[dict[str, Any]]) -> list[tuple[str, BatchFile]]:
    return [
        (message["stream"].partition("-")[2], BatchFile.from_url(url))
        for message in messages
        if message["type"] == "BATCH"
        for url in message["manifest"]
    ]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has keys read in pages of three, and their rows as soon as nine of them wait."""
    monkeypatch.setattr(key_reader, "_PAGE_KEYS", 3)
    monkeypatch.setattr(log_follow, "_KEYS", 9)


@pytest.fixture
def seed() -> int:
    found = int(os.environ.get("LOG_SEED", random.randrange(10**6)))
    print(f"LOG_SEED={found}")
    return found


@pytest.mark.fault(186)
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("image", ["FULL", "MINIMAL"])
def test_after_each_run_the_copies_are_as_the_tables(source: Source, seed: int, image: str) -> None:
    source.sql(f"SET GLOBAL binlog_row_image = {image}")
    try:
        history = History(source, seed)
        files: list[tuple[str, BatchFile]] = []
        state = None
        for steps in (20, 40, 1, 0):
            history.go_on(steps)
            done = logged(source, state, backup_batch_size=4)
            assert done.error is None
            files += named(done.messages)
            state = done.state
            assert copies(files) == truth(source)
    finally:
        source.sql("SET GLOBAL binlog_row_image = FULL")


@pytest.mark.fault(187)
@pytest.mark.usefixtures("small")
def test_a_run_that_ends_at_any_message_loses_nothing(source: Source, seed: int) -> None:
    """Whatever of its files is committed: those before the last STATE, and some behind it."""
    history = History(source, seed)
    history.go_on(20)
    first = logged(source, None, backup_batch_size=4)
    history.go_on(15)
    second = logged(source, first.state, backup_batch_size=4)
    history.go_on(10)
    expected = truth(source)
    chosen = random.Random(seed)
    for before, run in ((None, first), (first, second)):
        ends = range(len(run.messages) + 1)
        for end in chosen.sample(ends, 8):
            told = run.messages[:end]
            states = [m["value"] for m in told if m["type"] == "STATE"]
            state = states[-1] if states else (before.state if before else None)
            files = named(before.messages if before else []) + named(told)
            rerun = logged(source, state, backup_batch_size=50)
            assert rerun.error is None
            assert copies(files + named(rerun.messages)) == expected


@pytest.mark.fault(184)
@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE TABLE {}",
        "DROP TABLE {0}; CREATE TABLE {0} (a VARCHAR(20) PRIMARY KEY, v INT)",
        "RENAME TABLE {0} TO gone_texts; CREATE TABLE {0} (a VARCHAR(20) PRIMARY KEY, v INT)",
        "ALTER TABLE {} ADD COLUMN before_all INT FIRST",
    ],
    ids=["truncate", "drop", "rename", "alter"],
)
def test_what_no_row_tells_stops_its_table_alone(source: Source, statement: str) -> None:
    source.sql("DROP TABLE IF EXISTS gone_texts")
    history = History(source, 1)
    source.sql("INSERT INTO texts VALUES ('one', 1), ('two', 2)")
    first = logged(source, None)
    for each in statement.format("texts").split("; "):
        source.sql(each)
    source.sql("INSERT INTO texts (a, v) VALUES ('three', 3)")
    source.sql("INSERT INTO numbers VALUES (7, 7, 7)")
    second = logged(source, first.state)
    assert isinstance(second.error, SourceError)
    (error,) = second.error.of_tables
    assert error.table == "tap_test.texts"
    assert "watermark reset -t tap_test.texts" in str(error.hint)
    assert second.files("texts") == []
    assert second.bookmark("texts") == first.bookmark("texts")
    assert len(second.files("numbers")) == 1
    assert history is not None
    again = logged(source, second.state)
    assert isinstance(again.error, SourceError), "as long as nobody has seen to it"


def test_an_alter_that_leaves_the_key_alone_is_followed(source: Source) -> None:
    History(source, 1)
    source.sql("INSERT INTO texts VALUES ('one', 1), ('two', 2)")
    first = logged(source, None)
    source.sql("UPDATE texts SET v = 3 WHERE a = 'one'")
    source.sql("ALTER TABLE texts ADD COLUMN w INT")
    source.sql("DELETE FROM texts WHERE a = 'two'")
    source.sql("UPDATE texts SET w = 4 WHERE a = 'one'")
    second = logged(source, first.state)
    assert second.error is None
    rows = {row["a"]: (row["v"], row["w"], row["_sdc_deleted_at"]) for row in second.rows("texts")}
    assert rows["one"] == (3, 4, None)
    assert rows["two"][2] is not None

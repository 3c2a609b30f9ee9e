"""Tables that are read by the server's log: what is read of them, and what each bookmark says."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mysql_binlog import Batch, KeyColumns, LogPurged, Position, Statement
from mysql_binlog.model import Kind
from tap_mysql.binlog.log import Log
from tap_mysql.reading.key_reader import KeyReader
from tap_mysql.source.session.driver import open_connection
from tap_mysql.values.key_values import pack
from tidemark_core.errors import SourceError
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

DATABASE = "tap_test"


class Told:
    """A log of which the tests say what it tells; where it ends, the server itself says."""

    def __init__(self) -> None:
        self.keys: dict[str, list[tuple[Any, ...]]] = {}
        self.statements: list[Statement] = []
        self.error: Exception | None = None

    def changes(
        self, _: Log, __: Position, until: Position, tables: Mapping[TableName, KeyColumns]
    ) -> Iterator[Batch]:
        if self.error is not None:
            raise self.error
        wanted = {table.table for table in tables}
        keys: dict[tuple[str, str], dict[tuple[Any, ...], Kind]] = {
            (DATABASE, t): dict.fromkeys(k, "update") for t, k in self.keys.items() if t in wanted
        }
        statements = tuple(s for s in self.statements if s.table[1] in wanted)
        yield Batch(until, keys, statements)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    found = Told()
    monkeypatch.setattr(Log, "changes", lambda *words: found.changes(*words))
    return found


def logged(source: Source, *tables: str, state: Any = None, **settings: Any) -> Result:
    catalog = source.catalog(*tables)
    for stream in catalog["streams"]:
        stream["replication_method"] = "LOG_BASED"  # where Meltano puts it
    return source.run(catalog, state, **settings)


def good(result: Result) -> Result:
    if result.error is not None:
        raise result.error
    return result


def newest(*results: Result, table: str = "t") -> dict[Any, Any]:
    """The rows that are there, by id, as a warehouse finds them."""
    rows = [row for result in results for row in result.rows(table)]
    found: dict[Any, Any] = {}
    for row in sorted(rows, key=lambda row: row["_sdc_extracted_at"]):
        found[row["id"]] = row
    return {key: row["v"] for key, row in found.items() if row["_sdc_deleted_at"] is None}


def test_a_first_load_then_what_has_changed(source: Source, told: Told) -> None:
    source.make("t", "id INT PRIMARY KEY, v INT NOT NULL", "(1, 10)", "(2, 20)", "(3, 30)")
    first = good(logged(source, "t"))
    assert newest(first) == {1: 10, 2: 20, 3: 30}
    source.sql("DELETE FROM t WHERE id = 2")
    source.sql("UPDATE t SET v = 11 WHERE id = 1")
    told.keys = {"t": [(1,), (2,), (9,)]}
    second = good(logged(source, "t", state=first.state))
    gone = [row for row in second.rows("t") if row["_sdc_deleted_at"] is not None]
    assert sorted((row["id"], row["v"]) for row in gone) == [(2, None), (9, None)]
    assert newest(first, second) == {1: 11, 3: 30}
    source.sql("INSERT INTO t VALUES (2, 21)")
    told.keys = {"t": [(2,)]}
    third = good(logged(source, "t", state=second.state))
    assert newest(first, second, third) == {1: 11, 2: 21, 3: 30}


def test_more_tables_need_no_more_connections(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for all questions and rows, and two by which the log is read."""
    tables, opened = ("t", "u", "w"), list[int]()

    def noted(*arguments: Any, **options: Any) -> Any:
        opened.append(1)
        return open_connection(*arguments, **options)

    monkeypatch.setattr("tap_mysql.source.session.connection.open_connection", noted)
    for table in tables:
        source.make(table, "id INT PRIMARY KEY, v INT", "(1, 10)")
    first = good(logged(source, *tables))
    for table in tables:
        source.sql(f"UPDATE {table} SET v = 11")
    opened.clear()
    second = good(logged(source, *tables, state=first.state))
    assert [newest(second, table=table) for table in tables] == [{1: 11}] * 3
    assert len(opened) == 3


def test_a_quiet_table_moves_on_without_a_file(source: Source, told: Told) -> None:
    source.make("t", "id INT PRIMARY KEY, v INT", "(1, 10)")
    source.make("other", "id INT PRIMARY KEY")
    first = good(logged(source, "t"))
    source.sql("INSERT INTO other VALUES (1)")
    second = good(logged(source, "t", state=first.state))
    assert second.files() == []
    before, after = (r.bookmark("t")["tidemark"]["position"] for r in (first, second))
    assert (after["file"], after["offset"]) > (before["file"], before["offset"])


@pytest.mark.fault(184)
@pytest.mark.parametrize("kind", ["truncate", "drop", "rename", "other"])
def test_what_no_row_tells_stops_its_table_alone(source: Source, told: Told, kind: Any) -> None:
    for table in ("t", "u"):
        source.make(table, "id INT PRIMARY KEY, v INT", "(1, 10)")
    first = good(logged(source, "t", "u"))
    told.keys = {"t": [(1,)], "u": [(1,)]}
    told.statements = [Statement(kind, (DATABASE, "t"), "TRUNCATE t")]
    second = logged(source, "t", "u", state=first.state)
    assert isinstance(second.error, SourceError)
    (error,) = second.error.of_tables
    assert f"{kind.upper()} changed the whole table" in error.message
    assert error.hint is not None
    assert "tidemark watermark reset -t tap_test.t" in error.hint
    assert second.bookmark("t") == first.bookmark("t")
    assert second.files("t") == []
    assert second.bookmark("u") != first.bookmark("u")
    assert newest(second, table="u") == {1: 10}


@pytest.mark.fault(183)
def test_a_gap_stops_without_a_word_to_the_target(source: Source, told: Told) -> None:
    source.make("t", "id INT PRIMARY KEY, v INT", "(1, 10)")
    first = good(logged(source, "t"))
    told.error = LogPurged("the log of it is gone")
    second = logged(source, "t", state=first.state)
    assert "the log of it is gone" in str(second.error)
    assert second.messages == []


@pytest.mark.fault(185)
@pytest.mark.parametrize(
    ("columns", "told_why"),
    [
        ("id INT, v INT", "the table has none"),
        ("id FLOAT PRIMARY KEY, v INT", "type float"),
        ("id VARCHAR(9) CHARACTER SET cp932 PRIMARY KEY, v INT", "varchar(9) in cp932"),
        ("id INT PRIMARY KEY, _sdc_deleted_at INT", "a name that is reserved"),
    ],
)
def test_a_table_that_the_log_cannot_tell_is_refused(
    source: Source, columns: str, told_why: str
) -> None:
    source.make("t", columns)
    assert told_why in str(logged(source, "t").error)


@pytest.mark.fault(187)
def test_a_first_load_that_ended_early_goes_on(source: Source, told: Told) -> None:
    source.make("t", "id INT PRIMARY KEY, v INT")
    source.sql(f"INSERT INTO t SELECT seq, seq {source.numbers(1000)}")
    states, results, state = [], [], None
    for _ in range(4):
        results.append(good(logged(source, "t", state=state, backup_max_rows=300)))
        state = results[-1].state
        states.append(results[-1].bookmark("t")["tidemark"])
    assert [len(result.rows("t")) for result in results] == [300, 300, 300, 100]
    assert ["first_load" in own for own in states] == [True, True, True, False]
    assert len({own["epoch"] for own in states}) == 1
    positions = [own["position"] for own in states[:3]]
    assert all(position == positions[0] for position in positions), "that of its beginning"
    assert newest(*results) == {number: number for number in range(1, 1001)}


@pytest.mark.fault(183)
def test_a_first_load_goes_on_where_it_began_only(source: Source, told: Told) -> None:
    """Another server may be behind the position, and what it lacks comes by no event."""
    source.make("t", "id INT PRIMARY KEY, v INT", "(1, 10)", "(2, 20)")
    first = good(logged(source, "t", backup_max_rows=1))
    state = first.state
    state["bookmarks"]["tap_test-t"]["tidemark"]["position"]["server"] = "another"
    second = logged(source, "t", state=state)
    assert "its first load started on another, but now" in str(second.error)
    assert second.messages == []


@pytest.mark.fault(189)
def test_versions_are_in_order_when_the_clock_goes_back(source: Source, told: Told) -> None:
    source.make("t", "id INT PRIMARY KEY, v INT", "(1, 10)")
    first = good(logged(source, "t"))
    ahead = first.state
    ahead["bookmarks"]["tap_test-t"]["tidemark"]["read_at"] = "2100-01-01T00:00:00.000000"
    told.keys = {"t": [(1,)]}
    second = good(logged(source, "t", state=ahead))
    assert str(second.rows("t")[0]["_sdc_extracted_at"]) == "2100-01-01 00:00:00.000001"
    third = good(logged(source, "t", state=second.state))
    assert str(third.rows("t")[0]["_sdc_extracted_at"]) == "2100-01-01 00:00:00.000002"


@pytest.mark.fault(186)
def test_keys_of_every_type_and_spelling(source: Source, told: Told) -> None:
    """A key that is respelled is another one; with blanks at its end it is none."""
    source.make("t", "id VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT", "('Ä', 1)")
    first = good(logged(source, "t"))
    source.sql("UPDATE t SET id = 'ä', v = 2")
    told.keys = {"t": [("Ä",), ("ä",), ("ä ",)]}
    second = good(logged(source, "t", state=first.state))
    assert newest(first, second) == {"ä": 2}
    source.make(
        "u",
        "a BIGINT UNSIGNED, b DECIMAL(20,3), c BINARY(4), d DATETIME(6), id CHAR(5), v INT,"
        "PRIMARY KEY (a, b, c, d, id)",
        "(18446744073709551615, 1.5, X'0102', '2024-01-01 00:00:00.000001', 'x', 1)",
        "(18446744073709551615, 1.5, X'0102', '2024-01-01 00:00:00.000001', 'y', 2)",
        "(0, -1.5, X'00', '1000-01-01', '', 3)",
    )
    first = good(logged(source, "u"))
    keys = source.sql("SELECT a, b, TRIM(TRAILING X'00' FROM c), d, id FROM u")
    source.sql("DELETE FROM u WHERE id = 'y'")
    told.keys = {"u": [tuple(key) for key in keys]}
    second = good(logged(source, "u", state=first.state))
    assert newest(second, table="u") == {"x": 1, "": 3}
    assert len(second.rows("u")) == 3


@pytest.mark.fault(191)
def test_a_file_that_waits_for_the_next_one_goes_when_that_one_fails(
    source: Source, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("t", "id INT PRIMARY KEY, v INT")
    source.sql(f"INSERT INTO t SELECT seq, seq {source.numbers(3000)}")
    first = good(logged(source, "t"))
    for file in first.files():
        Path(file.path).unlink()
    told.keys = {"t": [(number,) for number in range(1, 3001)]}
    page, pages = KeyReader._page, iter(range(4))

    def fail(self: KeyReader, *words: Any) -> Any:
        if next(pages) == 2:
            raise SourceError("away")
        return page(self, *words)

    monkeypatch.setattr(KeyReader, "_page", fail)
    second = logged(source, "t", state=first.state, backup_batch_size=500)
    assert "away" in str(second.error)
    named = {Path(file.path) for file in second.files()}
    assert len(named) == 1
    assert set(source.folder.rglob("*.parquet")) == named


@pytest.mark.fault(194)
def test_keys_that_the_bookmark_names_are_read_again_once(source: Source, told: Told) -> None:
    """As `tidemark resync` sets it; whatever the log has is read as well."""
    source.make("t", "id INT PRIMARY KEY, v INT NOT NULL", "(1, 10)", "(2, 20)", "(3, 30)")
    first = good(logged(source, "t"))
    for statement in ("UPDATE t SET v = v + 1 WHERE id < 3", "DELETE FROM t WHERE id = 3"):
        source.sql(statement)
    state = first.state
    own = state["bookmarks"]["tap_test-t"]["tidemark"]
    own["again"] = [pack(key) for key in [(1,), (3,), (9,)]]
    told.keys = {"t": [(2,)]}
    second = good(logged(source, "t", state=copy.deepcopy(state)))
    assert newest(first, second) == {1: 11, 2: 21}
    assert sorted(row["id"] for row in second.rows("t")) == [1, 2, 3, 9]
    assert "again" not in second.bookmark("t")["tidemark"]
    told.error = LogPurged("it is gone")
    failed = logged(source, "t", state=copy.deepcopy(state))
    assert failed.messages == [], "its keys stay in the bookmark"
    damaged: list[object] = [[None], [[]], [pack((1, 2))], ["x"], 7]
    for wrong in damaged:
        own["again"] = wrong
        refused = logged(source, "t", state=copy.deepcopy(state))
        assert "the bookmark is damaged" in str(refused.error), wrong

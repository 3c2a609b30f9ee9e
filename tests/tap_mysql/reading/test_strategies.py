"""Strategies give the same rows; what is interrupted goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.query import key_ranges
from tap_mysql.query.sql import Range
from tap_mysql.reading.parquet_file import FinishedFile
from tap_mysql.reading.range_reader import Reading
from tidemark_core.errors import SourceError

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

CHUNKED: dict[str, Any] = {"backup_strategy": "chunked", "backup_num_chunks": 4}
KEYS = {
    "sparse": ("BIGINT", "seq * seq * 1000003"),
    "negative": ("INT", "CAST(seq AS SIGNED) - 20000"),
    "skewed": ("BIGINT UNSIGNED", "IF(seq < 39999, seq, 18446744073709500000 + seq)"),
    "uuid_text": ("CHAR(36)", "INSERT(LEFT(SHA2(seq, 256), 32), 9, 0, '-')"),
    "binary_key": ("VARBINARY(16)", "UNHEX(LEFT(SHA2(seq, 256), 32))"),
    "decimal_key": ("DECIMAL(20,4)", "seq * 1.0001"),
    "date_key": ("DATE", "'0500-01-01' + INTERVAL seq DAY"),
    "latin": ("VARCHAR(20) CHARACTER SET latin1", "CONCAT('é', seq)"),
}


@pytest.mark.fault(40)
@pytest.mark.parametrize("name", KEYS)
def test_chunks_cover_every_row_once(source: Source, name: str) -> None:
    kind, expression = KEYS[name]
    source.make(name, f"k {kind} PRIMARY KEY, n INT")
    source.sql(f"INSERT INTO `{name}` SELECT {expression}, seq {source.numbers(40_000)}")
    result = source.read(name, **CHUNKED)
    assert len(result.files(name)) == 4
    assert sorted(row["n"] for row in result.rows(name)) == list(range(1, 40001))


@pytest.mark.fault(40)
def test_whole_numbers_of_a_large_table_are_cut_evenly_unread(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expression = KEYS["skewed"]
    source.make("large_skewed", "k BIGINT UNSIGNED PRIMARY KEY, n INT")
    source.sql(f"INSERT INTO large_skewed SELECT {expression}, seq {source.numbers(40_000)}")
    source.sql("ANALYZE TABLE large_skewed")
    monkeypatch.setattr(key_ranges, "_MANY_ROWS", 20_000)
    monkeypatch.delattr(key_ranges, "_walked")
    result = source.read("large_skewed", **CHUNKED)
    assert sorted(row["n"] for row in result.rows("large_skewed")) == list(range(1, 40001))
    sizes = [file.facts["rows"] for file in result.files("large_skewed")]
    assert len(sizes) == 4
    assert max(sizes) < 12_500


@pytest.mark.fault(40)
def test_chunks_of_a_composite_key_cover_every_row_once(source: Source) -> None:
    source.make("composite", "a INT, b VARCHAR(9), c DATETIME(6), n INT, PRIMARY KEY (a, b, c)")
    source.sql(
        "INSERT INTO composite SELECT seq MOD 3, CONCAT('K', seq MOD 7), "
        f"'2024-01-01' + INTERVAL seq MICROSECOND, seq {source.numbers(40_000)}"
    )
    result = source.read("composite", **CHUNKED, backup_batch_size=3000)
    assert sorted(row["n"] for row in result.rows("composite")) == list(range(1, 40001))


@pytest.fixture
def large(source: Source) -> Source:
    source.make("large", "id INT PRIMARY KEY, update_at DATETIME, KEY (update_at)")
    source.sql(
        f"INSERT INTO large SELECT seq, '2024-01-01' + INTERVAL seq SECOND {source.numbers(40_000)}"
    )
    return source


@pytest.mark.parametrize("strategy", ["sequential", "inter-table", "chunked"])
def test_each_strategy_reads_the_same_rows(large: Source, strategy: str) -> None:
    large.make("small", "id INT PRIMARY KEY, update_at DATETIME", "(1, '2024-01-01')")
    catalog = large.catalog("large", "small", key="update_at")
    result = large.run(catalog, backup_strategy=strategy, backup_batch_size=7000)
    assert result.error is None
    assert result.ids("large") == list(range(1, 40001))
    assert result.ids("small") == [1]
    assert result.bookmark("large")["replication_key_value"] == "2024-01-01T11:06:40.000000"
    assert "first_load" not in result.bookmark("large")["tidemark"]


@pytest.mark.fault(26)
@pytest.mark.parametrize("settings", [{}, CHUNKED])
def test_an_interrupted_first_load_goes_on_where_it_was(
    large: Source, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[FinishedFile] = []
    finish = Reading.files

    def failing(self: Reading, selected: Range) -> Any:
        for file in finish(self, selected):
            seen.append(file)
            if len(seen) > 3:
                raise SourceError("the test pulls the plug")
            yield file

    with monkeypatch.context() as patch:
        patch.setattr(Reading, "files", failing)
        first = large.run(
            large.catalog("large", key="update_at"), backup_batch_size=5000, **settings
        )
    assert isinstance(first.error, SourceError)
    assert 0 < len(first.ids("large")) < 40000
    large.sql("INSERT INTO large VALUES (50000, '2024-01-02')")
    second = large.read("large", "update_at", first.state, backup_batch_size=5000, **settings)
    assert sorted(first.ids("large") + second.ids("large")) == list(range(1, 40001))
    third = large.read("large", "update_at", second.state)
    assert 50000 in third.ids("large")


@pytest.mark.fault(9)
@pytest.mark.fault(26)
def test_a_row_of_the_future_does_not_take_a_first_load_past_what_it_read(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The future has come when the load goes on, but a range that was read is as it was then."""
    source.make("soon", "id INT PRIMARY KEY, update_at DATETIME(6), KEY (update_at)")
    future = "UTC_TIMESTAMP(6) + INTERVAL 2 SECOND"
    source.sql(f"INSERT INTO soon VALUES (1, '2024-01-01'), (2, '2024-01-01'), (3, {future})")
    finish = Reading.files

    def failing(self: Reading, selected: Range) -> Any:
        yield next(finish(self, selected))
        raise SourceError("the test pulls the plug")

    settings: dict[str, Any] = {"backup_batch_size": 1, "backup_lookback_seconds": 0}
    with monkeypatch.context() as patch:
        patch.setattr(Reading, "files", failing)
        first = source.run(source.catalog("soon", key="update_at"), **settings)
    assert first.ids("soon") == [1]
    source.sql("UPDATE soon SET update_at = UTC_TIMESTAMP(6) WHERE id = 1")
    source.sql("SELECT SLEEP(2)")
    second = source.read("soon", "update_at", first.state, **settings)
    third = source.read("soon", "update_at", second.state, **settings)
    assert 1 in [*second.ids("soon"), *third.ids("soon")]


@pytest.mark.fault(3)
@pytest.mark.parametrize("settings", [{}, CHUNKED])
def test_a_state_never_claims_more_than_the_batches_before_it(
    large: Source, settings: dict[str, Any]
) -> None:
    result = large.run(large.catalog("large", key="update_at"), backup_batch_size=3000, **settings)
    named = 0
    for message in result.messages:
        if message["type"] == "BATCH":
            named += 1
        elif message["type"] == "STATE":
            own = message["value"]["bookmarks"]["tap_test-large"]
            if "replication_key_value" in own:
                assert named == len(result.files("large"))
            else:
                left = own["tidemark"]["first_load"]["left"]
                missing = sum(_rows_between(after, until) for after, until in left)
                assert missing + sum(
                    f.facts["rows"] for f in result.files("large")[:named]
                ) == 40000  # fmt: skip


def _rows_between(after: Any, until: Any) -> int:
    low = int(after[0]["number"]) if after else 0
    return (int(until[0]["number"]) if until else 40000) - low


@pytest.mark.fault(37)
def test_a_missing_table_fails_by_name_and_the_others_go_on(large: Source) -> None:
    result = large.run(large.catalog("nosuch", "large", key="update_at"))
    assert isinstance(result.error, SourceError)
    assert "tap_test.nosuch" in str(result.error)
    assert "1 of 2 tables failed" in str(result.error)
    assert len(result.ids("large")) == 40000


@pytest.mark.fault(19)
def test_a_failed_table_keeps_its_bookmark_and_only_its_own(large: Source) -> None:
    large.make("nulls", "id INT PRIMARY KEY, update_at DATETIME", "(1, NULL)")
    result = large.run(large.catalog("nulls", "large", key="update_at"))
    assert isinstance(result.error, SourceError)
    assert set(result.state["bookmarks"]) == {"tap_test-large"}


NAMES = [
    "we`ird",
    "Größe",
    "select",
    "a.b",
    "x'); DROP TABLE y;--",
    "한글",
    "UPPER case",
    "d-a-s-h",
]


@pytest.mark.fault(98)
@pytest.mark.security(14)
@pytest.mark.security(16)
@pytest.mark.parametrize("name", NAMES)
def test_strange_names_are_read_correctly(source: Source, name: str) -> None:
    column = name.replace("`", "``")
    source.make(name, f"id INT PRIMARY KEY, `{column}` INT, update_at DATETIME", "(1, 5, NULL)")
    source.sql(f"UPDATE `{column}` SET update_at = '2024-01-01'")
    first = source.read(name, "update_at")
    assert [row[name] for row in first.rows(name)] == [5]
    assert source.read(name, "update_at", first.state).messages == []
    source.sql(f"DROP TABLE `{column}`")


def test_discovery_finds_keys_views_invisible_and_generated_columns(source: Source) -> None:
    source.make(
        "shapes",
        "a INT, b INT, c INT AS (a + b) VIRTUAL, d INT INVISIBLE DEFAULT 4, PRIMARY KEY (b, a)",
    )
    source.sql("INSERT INTO shapes (a, b) VALUES (1, 2)")
    source.sql("CREATE OR REPLACE VIEW shapes_view AS SELECT * FROM shapes")
    assert source.read("shapes").rows("shapes") == [{"a": 1, "b": 2, "c": 3, "d": 4}]
    assert source.read("shapes_view").rows("shapes_view") == [{"a": 1, "b": 2, "c": 3}]
    (schema,) = source.read("shapes").of("SCHEMA")
    assert schema["key_properties"] == ["b", "a"]
    source.sql("DROP VIEW shapes_view")


def test_a_column_that_is_left_out_stays_out(source: Source) -> None:
    source.make("person", "id INT, email VARCHAR(50) NOT NULL, name VARCHAR(9), UNIQUE (email)",
                "(1, 'x@y', 'n')")  # fmt: skip
    result = source.run(source.catalog("person", leave_out=["email"], columns=["id", "name"]))
    assert result.rows("person") == [{"id": 1, "name": "n"}]
    assert set(result.of("SCHEMA")[0]["schema"]["properties"]) == {"id", "name"}
    assert "x@y" not in str(result.messages)


def test_record_messages_hold_the_same_values(source: Source) -> None:
    source.make(
        "r",
        "id INT PRIMARY KEY, d DECIMAL(10,2), m DATETIME(6), b VARBINARY(4), t TEXT, u DATE",
        "(1, 1.50, '2024-01-01 00:00:00.5', x'ff00', '😀', '2024-01-01'), "
        "(2, NULL, NULL, NULL, NULL, NULL)",
    )
    result = source.read("r", backup_output="record")
    assert result.of("BATCH") == []
    assert [m["record"] for m in result.of("RECORD")] == [
        {"id": 1, "d": "1.50", "m": "2024-01-01T00:00:00.500000Z", "b": "/wA=", "t": "😀",
         "u": "2024-01-01"},
        {"id": 2, "d": None, "m": None, "b": None, "t": None, "u": None},
    ]  # fmt: skip
    assert list(source.folder.rglob("*.parquet")) == []


@pytest.mark.fault(127)
@pytest.mark.parametrize("settings", [{}, CHUNKED, {"backup_strategy": "inter-table"}])
def test_a_full_copy_says_with_its_last_file_that_it_is_whole(
    large: Source, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = large.catalog("large")
    result = large.run(catalog, backup_batch_size=15_000, **settings)
    assert result.error is None
    assert result.ids("large") == list(range(1, 40_001))
    told = [file.facts.get("has_more") for file in result.files("large")]
    assert told == [True] * (len(told) - 1) + [None]
    assert len(told) > 2
    assert [m["type"] for m in result.messages[-2:]] == ["BATCH", "STATE"]

    finish = Reading.files

    def failing(self: Reading, selected: Range) -> Any:
        for number, file in enumerate(finish(self, selected)):
            if number == 1 or selected.after:
                file.path.unlink()
                raise SourceError("the test pulls the plug")
            yield file

    for path in large.folder.rglob("*.parquet"):
        path.unlink()
    monkeypatch.setattr(Reading, "files", failing)
    broken = large.run(catalog, backup_batch_size=15_000 // 4, **settings)
    assert isinstance(broken.error, SourceError)
    assert broken.of("STATE") == []
    assert broken.messages[-1]["type"] == "SCHEMA", "what came of it is given up"
    told = [file.facts.get("has_more") for file in broken.files("large")]
    assert set(told) <= {True}
    left = {str(path) for path in large.folder.rglob("*.parquet")}
    assert left <= {file.path for file in broken.files("large")}


@pytest.mark.fault(127)
def test_a_full_copy_in_records_says_that_it_is_whole_and_another_one_that_it_is_another(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("v", "id INT PRIMARY KEY", "(1),(2),(3)")
    catalog = source.catalog("v")
    result = source.run(catalog, backup_output="record", backup_batch_size=2)
    types = [m["type"] for m in result.messages]
    assert types == ["SCHEMA", "RECORD", "RECORD", "RECORD", "ACTIVATE_VERSION", "STATE"]
    (version,) = {m["version"] for m in result.messages if "version" in m}
    later = source.run(catalog, backup_output="record", backup_batch_size=2)
    assert all(m["version"] > version for m in later.of("RECORD"))

    finish = Reading.files

    def failing(self: Reading, selected: Range) -> Any:
        for number, file in enumerate(finish(self, selected)):
            if number == 2:
                file.path.unlink()
                raise SourceError("the test pulls the plug")
            yield file

    source.sql("INSERT INTO v VALUES (4), (5)")
    monkeypatch.setattr(Reading, "files", failing)
    broken = source.run(catalog, backup_output="record", backup_batch_size=2)
    assert isinstance(broken.error, SourceError)
    assert broken.of("RECORD") != []
    assert broken.of("ACTIVATE_VERSION") == broken.of("STATE") == []


def test_a_table_with_a_replication_key_has_no_versions(source: Source) -> None:
    source.make("v", "id INT PRIMARY KEY", "(1),(2)")
    result = source.run(source.catalog("v", key="id"), backup_output="record")
    assert len(result.of("RECORD")) == 2
    assert not any("version" in message for message in result.messages)

"""BACKUP_MAX_ROWS: a part of a table a run, no row left out, and a bookmark that is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tidemark_core.errors import ConfigError, TidemarkError

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

CHUNKED: dict[str, Any] = {"backup_strategy": "chunked", "backup_num_chunks": 4}
NO_LOOKBACK: dict[str, Any] = {"backup_lookback_seconds": 0, "backup_lookback_ids": 0}


def runs(source: Source, table: str, key: str, limit: int, **settings: Any) -> list[Result]:
    """Runs until nothing is left."""
    done: list[Result] = []
    while len(done) < 50:
        state = done[-1].state if done else None
        result = source.read(table, key, state, backup_max_rows=limit, **settings)
        if not result.messages:
            return done
        done.append(result)
    raise AssertionError("it does not come to an end")


@pytest.fixture
def pairs(source: Source) -> Source:
    """A hundred rows, two to each second but for ten that share one; ids run the other way."""
    source.make("pairs", "id INT PRIMARY KEY, update_at DATETIME, KEY (update_at)")
    source.sql(
        "INSERT INTO pairs SELECT 101 - seq, '2024-01-01' + INTERVAL "
        "IF(seq BETWEEN 41 AND 50, 25, (seq + 1) DIV 2) SECOND " + source.numbers(100)
    )
    return source


@pytest.mark.parametrize("strategy", [{}, CHUNKED, {"backup_strategy": "inter-table"}])
def test_each_run_ends_at_a_key_that_is_read_whole(pairs: Source, strategy: dict[str, Any]) -> None:
    done = runs(pairs, "pairs", "update_at", 15, **NO_LOOKBACK, **strategy)
    counts = dict(pairs.sql("SELECT CAST(update_at AS CHAR), count(*) FROM pairs GROUP BY 1"))
    seen: set[int] = set()
    for result in done:
        bookmark = result.bookmark("pairs")
        value = bookmark["replication_key_value"].replace("T", " ")[:19]
        at = [str(row["update_at"]) for row in result.rows("pairs")]
        assert max(at) == value
        assert at.count(value) == counts[value], "rows of one key were split"
        seen.update(result.ids("pairs"))
        ((there,),) = pairs.sql("SELECT count(*) FROM pairs WHERE update_at <= %s", value)
        assert len(seen) == there, "the bookmark says more than was read"
        assert len(at) <= 15 + 9 + 2, "the last key's and the bookmark's own rows, no more"
    assert seen == set(range(1, 101))
    assert len(done) >= 5


def test_an_id_as_key_and_rows_that_come_meanwhile(source: Source) -> None:
    source.make("events", "id BIGINT UNSIGNED PRIMARY KEY, v INT")
    source.sql(f"INSERT INTO events SELECT (seq - 1) * 3, 1 {source.numbers(20)}")
    first = source.read("events", "id", backup_max_rows=8, **NO_LOOKBACK)
    assert first.ids("events") == list(range(0, 24, 3))
    assert first.bookmark("events")["replication_key_value"] == 21
    source.sql("INSERT INTO events VALUES (1000, 1)")
    second = source.read("events", "id", first.state, backup_max_rows=8, **NO_LOOKBACK)
    assert second.ids("events") == list(range(21, 48, 3))
    rest = source.read("events", "id", second.state, **NO_LOOKBACK)
    assert rest.ids("events") == [*range(45, 60, 3), 1000]


def test_one_row_whose_key_is_zero_is_a_part(source: Source) -> None:
    source.make("zero", "id INT PRIMARY KEY", "(0)", "(1)", "(2)")
    first = source.read("zero", "id", backup_max_rows=1, **NO_LOOKBACK)
    assert first.ids("zero") == [0]


def test_zero_dates_are_a_part_too(source: Source) -> None:
    source.make("zeroes", "id INT PRIMARY KEY, update_at DATETIME NOT NULL, KEY (update_at)")
    source.sql_with(
        "sql_mode = ''",
        "INSERT INTO zeroes VALUES (1, '0000-00-00 00:00:00'), "
        "(2, '0000-00-00 00:00:00'), (3, '2024-01-01'), (4, '2024-01-02')",
    )
    done = runs(source, "zeroes", "update_at", 1, backup_null_keys="read", **NO_LOOKBACK)
    assert done[0].ids("zeroes") == [1, 2, 3]
    assert {number for result in done for number in result.ids("zeroes")} == {1, 2, 3, 4}
    assert done[-1].bookmark("zeroes")["replication_key_value"] == "2024-01-02T00:00:00.000000"


def test_what_is_looked_at_again_does_not_use_up_the_limit(pairs: Source) -> None:
    """A lookback that holds more rows than the limit must not keep the bookmark where it is."""
    done = runs(pairs, "pairs", "update_at", 12, backup_lookback_seconds=30)
    assert {number for result in done for number in result.ids("pairs")} == set(range(1, 101))
    marks = [result.bookmark("pairs")["replication_key_value"] for result in done]
    assert marks == sorted(set(marks))


def test_the_last_part_is_followed_by_a_run_without_a_file(pairs: Source) -> None:
    done = runs(pairs, "pairs", "update_at", 60)
    assert pairs.read("pairs", "update_at", done[-1].state).messages == []
    pairs.sql("UPDATE pairs SET update_at = '2024-02-01' WHERE id = 7")
    news = pairs.read("pairs", "update_at", done[-1].state, backup_max_rows=60)
    assert 7 in news.ids("pairs")


def test_rows_of_the_future_are_all_read_since_no_bookmark_can_pass_them(source: Source) -> None:
    source.make("future", "id INT PRIMARY KEY, update_at DATETIME, KEY (update_at)")
    source.sql(
        f"INSERT INTO future SELECT seq, '2199-01-01' + INTERVAL seq DAY {source.numbers(9)}"
    )
    done = runs(source, "future", "update_at", 2)  # and comes to an end
    assert done[0].ids("future") == list(range(1, 10))


@pytest.mark.parametrize("settings", [{}, CHUNKED])
def test_a_first_load_that_was_interrupted_goes_on_in_parts(
    source: Source, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("large", "id INT PRIMARY KEY, update_at DATETIME, KEY (update_at)")
    source.sql(
        "INSERT INTO large SELECT seq, '2024-01-01' + INTERVAL seq SECOND " + source.numbers(40_000)
    )
    cut = _interrupted(source, monkeypatch, **settings)
    seen = {*cut.ids("large")}
    assert "first_load" in cut.bookmark("large")["tidemark"]
    part = source.read("large", "update_at", cut.state, backup_max_rows=4000, **settings)
    assert 0 < len(part.ids("large")) <= 8000
    seen.update(part.ids("large"))
    assert "first_load" in part.bookmark("large")["tidemark"]
    rest = source.read("large", "update_at", part.state, **settings)
    assert seen | set(rest.ids("large")) == set(range(1, 40001))
    assert rest.bookmark("large")["replication_key_value"] == "2024-01-01T11:06:40.000000"


def _interrupted(source: Source, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Result:
    """A first load that was ended after its first file."""
    from tap_mysql.reading.range_reader import Reading
    from tidemark_core.errors import SourceError

    whole = Reading.files

    def once(self: Reading, selected: Any) -> Any:
        for file in whole(self, selected):
            yield file
            raise SourceError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(Reading, "files", once)
        catalog = source.catalog("large", key="update_at")
        result = source.run(catalog, backup_batch_size=1000, **settings)
    assert result.error is not None
    return result


def test_a_table_that_is_read_whole_is_refused_and_the_others_go_on(pairs: Source) -> None:
    pairs.make("small", "id INT PRIMARY KEY", "(1)")
    catalog = pairs.catalog("pairs", key="update_at")
    catalog["streams"] += pairs.catalog("small")["streams"]
    result = pairs.run(catalog, backup_max_rows=5)
    assert isinstance(result.error, TidemarkError)
    assert result.error.exit_code == ConfigError.exit_code
    (refused,) = result.error.of_tables
    assert refused.table == "tap_test.small"
    assert "read it without a limit" in str(refused)
    assert result.files("small") == []
    assert result.files("pairs")

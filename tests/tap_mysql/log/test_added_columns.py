"""An ALTER that gives old rows values in a new column: all rows are read again, none is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from tap_mysql.extraction.log.table import LogExtraction

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

ROWS = 50


def logged(
    source: Source, state: Any = None, leave_out: tuple[str, ...] = (), **settings: Any
) -> Result:
    chosen = [name for name in ("id", "a", "b", "c") if name not in leave_out]
    catalog = source.catalog("t", columns=chosen if leave_out else (), leave_out=leave_out)
    catalog["streams"][0]["replication_method"] = "LOG_BASED"
    return source.run(catalog, state, backup_batch_size=20, **settings)


@pytest.fixture
def first(source: Source) -> Result:
    """The table as it was read before the ALTER."""
    source.make("t", "id INT PRIMARY KEY, a INT, b INT")
    source.sql(f"INSERT INTO t SELECT seq, seq, seq {source.numbers(ROWS)}")
    return logged(source)


def change(source: Source) -> None:
    """Rows are deleted, changed and inserted, of which the log tells."""
    source.sql("DELETE FROM t WHERE id < 5")
    source.sql("UPDATE t SET a = 100 WHERE id IN (10, 40)")
    source.sql("INSERT INTO t (id) VALUES (1000)")


def newest(*results: Result) -> dict[int, dict[str, Any]]:
    """The rows that are there, as a warehouse finds them."""
    files = [file.path for result in results for file in result.files("t")]
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    found = {row["id"]: row for row in sorted(rows, key=lambda row: row["_sdc_extracted_at"])}
    return {
        key: {name: value for name, value in row.items() if not name.startswith("_sdc")}
        for key, row in found.items()
        if row["_sdc_deleted_at"] is None
    }


def truth(source: Source) -> dict[int, dict[str, Any]]:
    """The rows that are there."""
    result = source.run(source.catalog("t"))
    return {row["id"]: dict(row) for row in result.rows("t")}


FILLED = [
    "ADD COLUMN c INT NOT NULL DEFAULT 5",
    "ADD COLUMN c INT DEFAULT 5",
    "ADD COLUMN c INT NOT NULL",
    "ADD COLUMN c INT AS (a + 1) STORED",
    "CHANGE b c INT",
    "DROP COLUMN a, ADD COLUMN c INT",
]


@pytest.mark.fault(220)
@pytest.mark.parametrize("alter", FILLED)
def test_rows_that_get_values_in_a_new_column_are_read_again(
    source: Source, first: Result, alter: str
) -> None:
    if "DROP COLUMN a" not in alter:
        change(source)
    source.sql(f"ALTER TABLE t {alter}")
    source.sql("DELETE FROM t WHERE id = 20")
    second = logged(source, first.state)
    assert second.error is None
    assert "first_load" not in second.bookmark("t")["tidemark"]
    assert newest(first, second) == truth(source)
    source.sql("DELETE FROM t WHERE id = 30")
    third = logged(source, second.state)
    assert third.ids("t") == [30], "once is enough"


@pytest.mark.fault(220)
def test_rows_whose_default_is_gone_when_the_table_is_looked_at_are_read_again(
    source: Source, first: Result, caplog: pytest.LogCaptureFixture
) -> None:
    """As frameworks write it, which know defaults of their own."""
    caplog.set_level("INFO", "tap-mysql.log")
    change(source)
    source.sql("ALTER TABLE t ADD COLUMN c INT DEFAULT 5 NULL")
    source.sql("ALTER TABLE t ALTER COLUMN c DROP DEFAULT")
    source.sql("DELETE FROM t WHERE id = 20")
    second = logged(source, first.state)
    assert second.error is None
    assert "first_load" not in second.bookmark("t")["tidemark"]
    assert newest(first, second) == truth(source)
    assert f"t: {len(second.rows('t'))} rows from the log" in caplog.text, "all of them"
    source.sql("ALTER TABLE t ADD COLUMN d INT DEFAULT 5, DROP COLUMN c")
    source.sql("ALTER TABLE t DROP COLUMN d")
    third = logged(source, second.state)
    assert third.ids("t") == [], "it is gone again"


@pytest.mark.parametrize("alter", ["ADD COLUMN c INT", "DROP COLUMN b", "MODIFY a INT AFTER b"])
def test_rows_that_get_no_values_are_not_read_again(
    source: Source, first: Result, alter: str
) -> None:
    source.sql(f"ALTER TABLE t {alter}")
    source.sql("UPDATE t SET a = 7 WHERE id = 3")
    second = logged(source, first.state)
    assert second.error is None
    assert second.ids("t") == [3]


@pytest.mark.fault(220)
def test_rows_are_read_again_when_a_column_is_selected_that_was_not(source: Source) -> None:
    source.make("t", "id INT PRIMARY KEY, a INT, b INT")
    source.sql(f"INSERT INTO t SELECT seq, seq, seq {source.numbers(ROWS)}")
    first = logged(source, leave_out=("b",))
    change(source)
    second = logged(source, first.state)
    assert second.error is None
    assert newest(first, second) == truth(source)
    source.sql("DELETE FROM t WHERE id = 30")
    third = logged(source, second.state)
    assert third.ids("t") == [30], "once is enough"


@pytest.mark.fault(220)
@pytest.mark.parametrize("seen", ["by a quiet run", "with a changed row"])
def test_rows_are_read_again_for_a_column_that_was_added_when_it_was_not_selected(
    source: Source, seen: str
) -> None:
    source.make("t", "id INT PRIMARY KEY, a INT, b INT")
    source.sql(f"INSERT INTO t SELECT seq, seq, seq {source.numbers(ROWS)}")
    first = logged(source, leave_out=("b",))
    source.sql("ALTER TABLE t ADD COLUMN c INT")
    if seen == "with a changed row":
        source.sql("UPDATE t SET c = id")
    second = logged(source, first.state, leave_out=("b", "c"))
    third = logged(source, second.state, leave_out=("b", "c"))
    fourth = logged(source, third.state, leave_out=("b",))
    assert fourth.error is None
    found = newest(first, second, third, fourth)
    assert found == {
        key: {"id": key, "a": key, "c": row["c"]} for key, row in truth(source).items()
    }


class Killed(BaseException):
    """As SIGKILL: what was told before is told, and nothing is after it."""


@pytest.mark.fault(220)
@pytest.mark.parametrize("commits", range(5))
def test_a_kill_while_they_are_read_loses_nothing(
    source: Source, first: Result, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    change(source)
    source.sql("ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 5")
    commit, left = LogExtraction._commit, commits

    def killed(self: LogExtraction, *words: Any, **named: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return commit(self, *words, **named)

    with monkeypatch.context() as patch:
        patch.setattr(LogExtraction, "_commit", killed)
        second = logged(source, first.state)
    assert isinstance(second.error, Killed)
    source.sql("DELETE FROM t WHERE id IN (7, 45)")
    third = logged(source, (second if second.of("STATE") else first).state)
    assert third.error is None
    assert newest(first, second, third) == truth(source)


@pytest.mark.fault(220)
def test_a_column_that_is_added_while_they_are_read_has_its_values_too(
    source: Source, first: Result
) -> None:
    source.sql("ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 5")
    part = logged(source, first.state, backup_max_rows=20)
    assert part.error is None
    assert "first_load" in part.bookmark("t")["tidemark"]
    source.sql("ALTER TABLE t ADD COLUMN d INT NOT NULL DEFAULT 6")
    rest = logged(source, part.state)
    assert rest.error is None
    assert newest(first, part, rest) == truth(source)

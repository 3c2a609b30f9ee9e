"""Rows that change between two pages and files of a read: newest by key is what a reader takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from readhooks import after_files, watch_queries

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

BASE = datetime(2024, 1, 1)
ROWS = 1000
#: Files of 150 rows, pages of 100.
SMALL: dict[str, Any] = {"backup_batch_size": 150, "backup_lookback_seconds": 1100}
#: Half of the rows have been read by the third file, in the order of ids and of keys alike.
CHANGES = (
    "UPDATE moving SET v = 'read, beyond', update_at = '2024-01-02' WHERE id = 5",
    "UPDATE moving SET v = 'read, its key as it was' WHERE id = 7",
    "UPDATE moving SET v = 'not read, beyond', update_at = '2024-01-02 00:00:01' WHERE id = 900",
    "UPDATE moving SET v = 'not read, its key as it was' WHERE id = 902",
    "UPDATE moving SET v = 'not read, behind', update_at = '2024-01-01 00:00:50' WHERE id = 905",
    "UPDATE moving SET id = -1, v = 'moved', update_at = '2024-01-02 00:00:02' WHERE id = 910",
    "INSERT INTO moving VALUES (0, 'new', '2024-01-02 00:00:03')",
)
#: The greatest key when the read began.
LAST = "2024-01-01T00:16:40.000000"


@pytest.fixture
def moving(source: Source, short_pages: Callable[[int], None]) -> Source:
    short_pages(100)
    source.make("moving", "id INT PRIMARY KEY, v VARCHAR(40), update_at DATETIME, KEY (update_at)")
    return source


def fill(source: Source, first: int, last: int) -> None:
    source.sql(
        "INSERT INTO moving SELECT seq, 'old', '2024-01-01' + INTERVAL seq SECOND "
        f"{source.numbers(last, first)}"
    )


def newest(*results: Result) -> dict[int, tuple[datetime, str]]:
    """What a reader of the lake sees who takes each row's newest version by its key."""
    found: dict[int, tuple[datetime, str]] = {}
    for result in results:
        for row in result.rows("moving"):
            moment = row["update_at"].replace(tzinfo=None)
            if row["id"] not in found or moment >= found[row["id"]][0]:
                found[row["id"]] = (moment, row["v"])
    return found


@pytest.mark.fault(7)
@pytest.mark.parametrize("kind", ["a first load", "a window"])
def test_the_newest_version_of_a_row_that_changes_under_the_read_wins(
    moving: Source, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    results: list[Result] = []
    state = None
    if kind == "a window":
        fill(moving, 1, 1)
        results.append(moving.read("moving", "update_at", **SMALL))
        state = results[0].state
        fill(moving, 2, ROWS)
    else:
        fill(moving, 1, ROWS)

    def change() -> None:
        for statement in CHANGES:
            moving.sql(statement)

    queries = watch_queries(monkeypatch)
    with monkeypatch.context() as patch:
        after_files(3, change, patch)
        results.append(moving.read("moving", "update_at", state, **SMALL))
    during = results[-1]
    assert len(during.files("moving")) > 4, "the rows changed in the middle"
    assert len(queries) > 4
    assert during.bookmark("moving")["replication_key_value"] == LAST
    assert max(moment for moment, _ in newest(during).values()) == BASE + timedelta(seconds=ROWS)
    results.append(moving.read("moving", "update_at", during.state, **SMALL))
    there = {
        number: (datetime.fromisoformat(moment), text)
        for number, text, moment in moving.sql("SELECT id, v, CAST(update_at AS CHAR) FROM moving")
    }
    assert len(there) == ROWS + 1
    assert newest(*results) == there
    assert not [query for query in queries if "OFFSET" in query.upper()]
    assert moving.read("moving", "update_at", results[-1].state, **SMALL).messages == []

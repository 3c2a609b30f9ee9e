"""Memory does not grow with the table: rows are taken from the server as they are written."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import mysql_arrow.wire
import pytest
from tap_mysql.source.arrow_query import Fetch

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

ROWS = 4_000
BATCH = 2**19


class Asked:
    """What was asked of the server: queries, and the bytes of the batches that came."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.queries: list[str] = []
        self.sizes: list[int] = []
        begin = Fetch.__iter__

        def watched(fetch: Fetch) -> Any:
            self.queries.append(fetch.query)
            for rows in begin(fetch):
                self.sizes.append(rows.batch.nbytes)
                yield rows

        monkeypatch.setattr(Fetch, "__iter__", watched)
        monkeypatch.setattr("tap_mysql.reading.range_reader._BATCH_BYTES", BATCH)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


@pytest.fixture
def long_rows(source: Source) -> Source:
    """10 MB; 200 rows have the same time."""
    source.make(
        "long_rows", "id INT, b CHAR(3), v TEXT, update_at DATETIME, PRIMARY KEY (b, id), "
        "KEY (update_at)",
    )  # fmt: skip
    source.sql(
        "INSERT INTO long_rows SELECT seq, CONCAT('b', seq MOD 7), REPEAT('x', 2500), "
        f"'2024-01-01' + INTERVAL (seq DIV 200) SECOND {source.numbers(ROWS)}"
    )
    source.sql("ANALYZE TABLE long_rows")
    return source


def test_batches_are_bounded_and_files_end_where_they_should(
    long_rows: Source, asked: Asked
) -> None:
    result = long_rows.read("long_rows", "update_at", backup_batch_size=1500)
    assert result.ids("long_rows") == list(range(1, ROWS + 1))
    (query,) = asked.queries
    assert query.endswith(" LIMIT 999000")
    assert max(asked.sizes) <= BATCH
    assert len(asked.sizes) > 20
    assert [file.facts["rows"] for file in result.files("long_rows")] == [1500, 1500, 1000]


def test_ranges_at_the_same_time_share_the_room(long_rows: Source, asked: Asked) -> None:
    result = long_rows.read(
        "long_rows", "update_at", backup_strategy="chunked", backup_max_workers=4
    )
    assert result.ids("long_rows") == list(range(1, ROWS + 1))
    assert max(asked.sizes) <= BATCH // 4


def test_a_table_without_a_key_is_taken_no_faster_than_it_is_written(
    source: Source, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("keyless", "id INT, v TEXT")
    source.sql(f"INSERT INTO keyless SELECT seq, REPEAT('x', 2500) {source.numbers(ROWS)}")
    receive, taken = mysql_arrow.wire.Wire.receive, [0]
    # Bytes of a row: its header, NULLs, number, length and text; its number, offset and text.
    on_the_wire, in_a_batch = 4 + 2 + 4 + 3 + 2500, 4 + 4 + 2500
    ahead: list[float] = []

    def watched(wire: mysql_arrow.wire.Wire) -> int:
        taken[0] += (size := receive(wire))
        return size

    def slow(*_: object) -> None:
        time.sleep(0.05)
        ahead.append(taken[0] / on_the_wire - sum(asked.sizes) / in_a_batch)

    monkeypatch.setattr(mysql_arrow.wire.Wire, "receive", watched)
    monkeypatch.setattr("tap_mysql.reading.range_reader.Building.add", _before(slow))
    assert source.read("keyless").ids("keyless") == list(range(1, ROWS + 1))
    (query,) = asked.queries
    assert "LIMIT" not in query
    assert len(ahead) > 15
    # Two batches wait, one is being read, and there is a buffer for it.
    assert max(ahead) <= 3 * BATCH / in_a_batch + 2**18 / on_the_wire


def _before(action: Callable[..., None]) -> Callable[..., None]:
    from tap_mysql.reading.range_reader import Building

    add = Building.add

    def acting(*arguments: Any) -> None:
        action()
        add(*arguments)

    return acting


@pytest.mark.fault(40)
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("DECIMAL(30,4)", "n"),
        ("UUID", "UUID()"),
        ("VARCHAR(9)", "CONCAT(IF(n MOD 2, 'a', 'B'), n)"),
    ],
)
def test_pages_are_in_the_key_s_own_order_and_not_in_that_of_its_text(
    source: Source, asked: Asked, short_pages: Callable[[int], None], kind: str, key: str
) -> None:
    if kind == "UUID" and source.is_mysql:
        pytest.skip("MySQL has no such type")
    source.make("ordered", f"k {kind} PRIMARY KEY, n INT")
    source.sql(
        f"INSERT INTO ordered SELECT {key}, n FROM (SELECT seq AS n "
        f"{source.numbers(12_000)}) AS numbers"
    )
    short_pages(1_000)
    result = source.read("ordered")
    assert len(asked.queries) > 2
    assert sorted(row["n"] for row in result.rows("ordered")) == list(range(1, 12_001))

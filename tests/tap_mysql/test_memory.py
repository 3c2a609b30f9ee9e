"""Memory does not grow with the table: pages of rows, one heap for all threads."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.reading.page_size import Pages
from tap_mysql.source.arrow_query import Fetch

if TYPE_CHECKING:
    from conftest import Source

ROWS = 4_000
PAGE = 2**20


class Asked:
    """What was asked of the server: queries, and the bytes of their answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.queries: list[str] = []
        self.sizes: list[int] = []
        begin = Fetch.__iter__

        def watched(fetch: Fetch) -> Any:
            self.queries.append(fetch.query)
            self.sizes.append(0)
            for batch in begin(fetch):
                self.sizes[-1] += batch.nbytes
                yield batch

        monkeypatch.setattr(Fetch, "__iter__", watched)
        monkeypatch.setattr("tap_mysql.reading.range_reader.PAGE_BYTES", PAGE)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


@pytest.fixture
def long_rows(source: Source) -> Source:
    """10 MB; 200 rows have the same time, so that pages end between them."""
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


def test_no_answer_is_larger_than_a_page(long_rows: Source, asked: Asked) -> None:
    result = long_rows.read("long_rows", "update_at", backup_batch_size=1500)
    assert result.ids("long_rows") == list(range(1, ROWS + 1))
    # The first page goes by the server's estimate of a row's length, the others by the rows.
    assert max(asked.sizes[1:]) <= PAGE
    assert len(asked.sizes) >= 10
    assert [file.facts["rows"] for file in result.files("long_rows")] == [1500, 1500, 1000]


def test_pages_of_a_window_lose_no_row_of_one_time(long_rows: Source, asked: Asked) -> None:
    first = long_rows.read("long_rows", "update_at", backup_lookback_seconds=0)
    long_rows.sql("UPDATE long_rows SET update_at = '2024-01-02' WHERE id > 1000")
    asked.sizes.clear()
    second = long_rows.read("long_rows", "update_at", first.state, backup_lookback_seconds=0)
    assert second.ids("long_rows") == list(range(1001, ROWS + 1))
    assert max(asked.sizes[1:]) <= PAGE
    assert len(asked.sizes) >= 7


def test_ranges_at_the_same_time_share_the_room(long_rows: Source, asked: Asked) -> None:
    result = long_rows.read(
        "long_rows", "update_at", backup_strategy="chunked", backup_max_workers=4
    )
    assert result.ids("long_rows") == list(range(1, ROWS + 1))
    assert max(asked.sizes[1:]) <= PAGE // 4


def test_a_table_without_a_key_is_asked_for_at_once(source: Source, asked: Asked) -> None:
    source.make("keyless", "id INT, v TEXT")
    source.sql(f"INSERT INTO keyless SELECT seq, REPEAT('x', 2500) {source.numbers(ROWS)}")
    assert source.read("keyless").ids("keyless") == list(range(1, ROWS + 1))
    (query,) = asked.queries
    assert "LIMIT" not in query


def test_pages_follow_the_rows_that_come() -> None:
    pages = Pages(room=1_000_000, row_bytes=0)
    unknown = pages.rows
    pages.learn(1000, 10_000_000)
    assert pages.rows == 100
    pages.learn(100, 100_000)
    assert unknown == pages.rows == 1000
    pages.learn(0, 0)
    assert pages.rows == 1000


def test_threads_allocate_from_one_heap() -> None:
    """Without it glibc gives each thread a heap of its own."""
    program = """
import ctypes, os, sys, threading
from tap_mysql.connectorx.worker import share_one_heap
if sys.argv[1] == "one":
    share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def allocate(barrier):
    barrier.wait()
    libc.malloc(1000)
    barrier.wait()
barrier = threading.Barrier(4)
threads = [threading.Thread(target=allocate, args=(barrier,)) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""
    heaps = {
        how: subprocess.run(
            [sys.executable, "-c", program, how], capture_output=True, text=True, check=True
        ).stdout.count("<heap nr=")
        for how in ("one", "many")
    }
    assert heaps["one"] == 1
    assert heaps["many"] > 1


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
    source: Source, asked: Asked, kind: str, key: str
) -> None:
    """And the careful form of the query, in which text is bytes, asks in the same order."""
    if kind == "UUID" and source.is_mysql:
        pytest.skip("MySQL has no such type")
    source.make("ordered", f"k {kind} PRIMARY KEY, n INT, d DATE")
    source.sql(
        f"INSERT INTO ordered SELECT {key}, n, '2024-01-01' FROM (SELECT seq AS n "
        f"{source.numbers(12_000)}) AS numbers"
    )
    source.sql_with("sql_mode = ''", "UPDATE ordered SET d = '0000-00-00' WHERE n = 11999")
    result = source.read("ordered")
    assert len(asked.queries) > 2
    assert sorted(row["n"] for row in result.rows("ordered")) == list(range(1, 12_001))

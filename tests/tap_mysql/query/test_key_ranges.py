"""Ranges of keys cover a table once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tap_mysql.query.key_ranges import split
from tap_mysql.query.sql import Range
from tap_mysql.source.schema import Table
from tidemark_core.names import TableName

TABLE = TableName("s", "t")


@given(st.integers(0, 200), st.integers(1, 9))
def test_ranges_cover_all_keys_once(rows: int, chunks: int) -> None:
    whole = Range(TABLE, ("x",), ("id",))
    present = [n * n for n in range(rows)]

    def ask(query: str) -> list[tuple[object, ...]]:
        if "COUNT" in query:
            return [(len(present),)]
        after = int(query.split("`id` > ")[1].split()[0]) if "`id` > " in query else -1
        left = [key for key in present if key > after]
        offset = int(query.rsplit(" ", 1)[1])
        return [(left[offset],)] if offset < len(left) else []

    parts = split(whole, chunks, ask, Table(TABLE, ()), least_rows=1)
    assert len(parts) <= max(chunks, 1)
    assert parts[0].after is None
    assert parts[-1].until is None
    assert [p.until for p in parts[:-1]] == [p.after for p in parts[1:]]
    assert {p.where for p in parts} == {("x",)}

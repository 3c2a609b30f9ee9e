"""A full copy is loaded when it is whole, and never by another table's STATE."""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fullcopies import FEW, ORDERS, TABLES, CopyTap, files, records
from hypothesis import example, given
from tidemark_core.errors import TidemarkError

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

Message = dict[str, Any]


@pytest.mark.fault(127)
@pytest.mark.parametrize("form", ["record", "batch"])
@FEW
@given(order=ORDERS)
@example(order=[("part", 0), ("row", 0), ("part", 1), ("whole", 0), ("again", 1), ("whole", 1)])
@example(order=[("part", 0), ("again", 0), ("part", 0), ("row", 0)])
def test_of_a_full_copy_all_is_loaded_or_nothing(
    lake: Lake, tmp_path: Path, form: str, order: list[tuple[str, int]]
) -> None:
    made = [lake.table({"ID": "int64"}) for _ in range(TABLES + 1)]
    tables = {table.name.stream: table for table in made}
    *copied, other = tables
    as_files = partial(files, tables, tmp_path)
    part = as_files if form == "batch" else partial(records, key="ID")
    is_batch = form == "batch"
    tap = CopyTap(copied, other, lambda s: tables[s].schema(), part, as_files=is_batch)
    tap.follow(order)
    failed: list[TidemarkError] = []
    try:
        lake.load(*tap.messages)
    except TidemarkError as error:
        failed = list(error.of_tables)
    assert {error.table for error in failed} == {str(tables[s].name) for s in tap.cut_off}
    for stream, copies in tap.whole.items():
        assert loads(lake, tables[stream]) == copies
    assert list(chain(*loads(lake, tables[other]))) == tap.rows
    assert list(tmp_path.iterdir()) == []


def loads(lake: Lake, table: Table) -> list[list[int]]:
    """The ids of each load of a table."""
    if not lake.sql(f"SELECT 1 FROM pg_tables WHERE tablename = '{table.bare}'"):
        return []
    found: dict[int, list[int]] = {}
    for load_id, number in table.rows("_tidemark_load_id, id", order="1, 2"):
        found.setdefault(load_id, []).append(number)
    return list(found.values())


@pytest.mark.fault(127)
def test_half_a_copy_is_not_put_in_the_place_of_one(lake: Lake) -> None:
    table, other = lake.table({"ID": "int64"}), lake.table({"ID": "int64"})
    stream = table.name.stream
    state = {"type": "STATE", "value": {"bookmarks": {stream: {"row": 1}}}}

    def load(*messages: Message) -> None:
        row = records(other.name.stream, [9], None, False, key="ID")
        opening = {"type": "STATE", "value": {"bookmarks": {}}}
        all_of_it = [opening, table.schema(), *messages, other.schema(), *row]
        lake.load(*all_of_it, load_method="overwrite")

    load(*records(stream, [1, 2], 1, False, key="ID"))
    with pytest.raises(TidemarkError, match="ended in the middle of its full copy"):
        load(*records(stream, [3], 2, True, key="ID"))
    with pytest.raises(TidemarkError, match="ended in the middle of its full copy"):
        load(*records(stream, [3], 2, True, key="ID"), state)
    assert table.rows("id") == [(1,), (2,)]
    assert other.rows("id") == [(9,)]


@pytest.mark.fault(127)
def test_what_a_tap_claims_or_shows_early_is_not_held_back(lake: Lake) -> None:
    """Taps that go on with a copy where it was cut off say in the stream's bookmark where."""
    resumed, shown = lake.table({"ID": "int64"}), lake.table({"ID": "int64"})
    stream = resumed.name.stream

    def state(row: int) -> Message:
        return {"type": "STATE", "value": {"bookmarks": {stream: {"last": row}}}}

    messages = [state(0), resumed.schema(), *records(stream, [1], 1, True, key="ID"), state(1)]
    early = {"type": "ACTIVATE_VERSION", "stream": shown.name.stream, "version": 5}
    messages += [shown.schema(), early, *records(shown.name.stream, [2], 5, True, key="ID")]
    messages += records(stream, [3], 1, True, key="ID")
    with pytest.raises(TidemarkError, match=rf"in the middle.*{resumed.name}"):
        lake.load(*messages)
    assert resumed.rows("id") == [(1,)]
    assert shown.rows("id") == [(2,)]


@pytest.mark.fault(127)
def test_many_records_of_a_full_copy_are_one_load(lake: Lake) -> None:
    table = lake.table({"ID": "int64"})
    rows = records(table.name.stream, list(range(25)), 1, False, key="ID")
    lake.load(table.schema(), *rows, batch_size_rows=10)
    assert loads(lake, table) == [list(range(25))]


@pytest.mark.fault(127)
def test_a_schema_that_changes_inside_a_copy_loses_no_row(lake: Lake) -> None:
    table, other = lake.table({"ID": "int64"}), lake.table({"ID": "int64"})
    stream = table.name.stream
    state = {"type": "STATE", "value": {"bookmarks": {other.name.stream: {"at": 9}}}}
    messages = [table.schema(), *records(stream, [1], 1, True, key="ID")]
    table.columns["v"] = table.columns["ID"]
    row = records(other.name.stream, [9], None, False, key="ID")
    messages += [table.schema(), other.schema(), *row, state]
    messages += records(stream, [2], 1, False, key="ID")
    lake.load(*messages)
    assert table.rows("id") == [(1,), (2,)]

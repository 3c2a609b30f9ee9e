"""Of a table that is read whole, landing has the newest copy and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fullcopies import FEW, ORDERS, TABLES, CopyTap, files, records
from hypothesis import example, given
from target_redshift.warehouse.ledger import Ledger
from target_redshift.warehouse.sql.tables import TABLE_COLUMNS
from tidemark_core.errors import TidemarkError, WarehouseError
from tidemark_core.types.singer_schema import FULL_TABLE, METHOD

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

pytestmark = pytest.mark.fault(159)
Message = dict[str, Any]


def full(table: Table) -> Message:
    """A stream's schema that says how the table is read."""
    message = table.schema()
    return message | {"schema": message["schema"] | {METHOD: FULL_TABLE}}


def copies(table: Table, *every: Sequence[int]) -> list[Message]:
    """The newest copies of a lake, each in a commit of its own."""
    named = [table.write([(number,) for number in ids]) for ids in every]
    return [full(table), table.batch(*named)]


def ids(table: Table) -> list[int]:
    return [number for (number,) in table.rows("id")]


@pytest.mark.parametrize("form", ["record", "batch"])
@FEW
@given(order=ORDERS)
@example(order=[("whole", 0), ("part", 1), ("row", 0), ("whole", 1), ("whole", 0), ("part", 0)])
@example(order=[("part", 0), ("again", 0), ("part", 0), ("row", 0), ("whole", 0)])
def test_whatever_order_they_come_in_the_newest_whole_copy_is_there(
    lake: Lake, tmp_path: Path, form: str, order: list[tuple[str, int]]
) -> None:
    made = [lake.table({"ID": "int64"}) for _ in range(TABLES + 1)]
    tables = {table.name.stream: table for table in made}
    *copied, other = tables

    def schema(stream: str) -> Message:
        return tables[stream].schema() if stream == other else full(tables[stream])

    part = partial(files, tables, tmp_path) if form == "batch" else partial(records, key="ID")
    tap = CopyTap(copied, other, schema, part, as_files=form == "batch")
    tap.follow(order)
    failed: list[TidemarkError] = []
    try:
        lake.load(*tap.messages, batch_size_rows=3)
    except TidemarkError as error:
        failed = list(error.of_tables)
    assert {error.table for error in failed} == {str(tables[s].name) for s in tap.cut_off}
    for stream, every in tap.whole.items():
        if every:
            assert ids(tables[stream]) == sorted(every[-1])
    if tap.rows:
        assert ids(tables[other]) == tap.rows


@pytest.mark.parametrize("method", ["append-only", "upsert", "overwrite"])
def test_the_newest_of_several_copies_takes_the_place_of_all_before(
    lake: Lake, state: Message, method: str
) -> None:
    table = lake.table({"ID": "int64"}, key=[])
    lake.load(table.schema(), table.batch(table.write([(1,)])), state)
    lake.load(table.schema(), table.batch(table.write([(1,)])), state)
    assert ids(table) == [1, 1], "as they were appended before"
    waiting = copies(table, [1, 2], [2, 3])
    lake.load(*waiting, state, load_method=method)
    lake.load(*waiting, state, load_method=method)
    lake.load(full(table), state, load_method=method)
    assert ids(table) == [2, 3]
    loaded = table.ledger()
    assert [rows for _, rows, _, _ in loaded] == [1, 1, 0, 2]
    assert len({load_id for _, _, load_id, _ in loaded}) == 3


def test_a_copy_that_comes_late_never_takes_the_place_of_a_newer_one(
    lake: Lake, state: Message
) -> None:
    table = lake.table({"ID": "int64"})
    old, new = table.write([(1,)]), table.write([(2,)])
    lake.load(full(table), table.batch(new), state)
    lake.load(full(table), table.batch(old), state)
    lake.load(full(table), table.batch(old, new), state)
    assert ids(table) == [2]
    (first, second) = table.ledger()
    assert {first[1], second[1]} == {0, 1}
    assert first[2] == second[2], "no load of its own, which a build would take for an empty copy"


def test_a_load_that_is_cut_off_leaves_the_copy_before(
    lake: Lake, state: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lake.table({"ID": "int64"})
    lake.load(*copies(table, [1, 2]), state)
    after = copies(table, [3])
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "add", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lake.load(*after, state)
    assert ids(table) == [1, 2]
    lake.load(*after, state)
    assert ids(table) == [3]


def test_an_emptied_source_empties_its_table_when_it_may(lake: Lake, state: Message) -> None:
    table, other = lake.table({"ID": "int64"}), lake.table({"ID": "int64"})
    lake.load(*copies(table, [1]), state)
    emptied = copies(table, [])
    with pytest.raises(WarehouseError, match="would empty it") as caught:
        lake.load(*emptied, *copies(other, [7]), state)
    assert "REDSHIFT_ALLOW_EMPTY_OVERWRITE=true" in str(caught.value)
    assert (ids(table), ids(other)) == ([1], [7])
    lake.load(*emptied, state, redshift_allow_empty_overwrite=True)
    lake.load(*emptied, state)
    assert ids(table) == []
    assert [rows for _, rows, _, _ in table.ledger()] == [1, 0]
    lake.load(*copies(table, [2]), state)
    assert ids(table) == [2]


def test_a_setting_leaves_it_to_the_load_method(lake: Lake, state: Message) -> None:
    table = lake.table({"ID": "int64"})
    for number in (1, 2):
        lake.load(*copies(table, [number]), state, load_full_tables="load-method")
    assert ids(table) == [1, 2]


@pytest.mark.fault(160)
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("method", ["append-only", "overwrite"])
@pytest.mark.parametrize("is_full", [True, False])
def test_a_table_without_rows_is_made_with_all_its_columns(
    lake: Lake, state: Message, form: str, method: str, is_full: bool
) -> None:
    kinds = {"ID": "int64", "a b": "decimal(10,2)", "t": "string(7)", "year": "int16"}
    table = lake.table(kinds)

    def columns(table: Table) -> list[tuple[Any, ...]]:
        return lake.sql(TABLE_COLUMNS.replace("?", f"'{table.bare}'"))

    def load(table: Table) -> list[tuple[Any, ...]]:
        schema = full(table) if is_full else table.schema()
        file = table.batch(table.write([]))
        lake.load(schema, file, state, load_method=method, load_format=form)
        return columns(table)

    made = load(table)
    assert table.rows("count(*)", order="1") == [(0,)]
    assert [rows for _, rows, _, _ in table.ledger()] == [0]
    like = lake.table(kinds)
    lake.load(like.schema(), like.batch(like.write([(1, None, None, None)])), state)
    assert made == columns(like), "as that of a table with rows"
    more = replace(table, columns=table.columns | {"late": table.columns["ID"]})
    assert [name for name, _ in load(more) if name == "late"] == ["late"]

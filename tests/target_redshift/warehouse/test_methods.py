"""The load methods: upsert and overwrite."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tidemark_core.errors import ConfigError, WarehouseError
from tidemark_core.types.singer_schema import LOG_BASED, METHOD, ROW_METADATA

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table


@pytest.mark.fault(58)
def test_an_upsert_keeps_the_newest_row_of_each_key(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    first = table.write([(1, "old", None), (2, "two", None), (1, "newer", None)])
    lake.load(table.schema(), table.batch(first), state, load_method="upsert")
    assert table.rows("id, name") == [(1, "newer"), (2, "two")]
    again = table.write([(2, "TWO", Decimal("2.00")), (3, "three", None)])
    lake.load(table.schema(), table.batch(again), state, load_method="upsert")
    assert table.rows("id, name, amount") == [
        (1, "newer", None),
        (2, "TWO", Decimal("2.00")),
        (3, "three", None),
    ]


def test_an_upsert_goes_by_the_bookmark_property_first(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write([(1, "late", Decimal("9.00")), (1, "early", Decimal("1.00"))])
    schema = table.schema() | {"bookmark_properties": ["amount"]}
    lake.load(schema, table.batch(file), state, load_method="upsert")
    assert table.rows("id, name") == [(1, "late")]


@pytest.mark.fault(52)
@pytest.mark.fault(58)
@pytest.mark.parametrize("by", [[], ["amount"]], ids=["extraction", "bookmark"])
def test_an_older_version_that_is_loaded_later_replaces_nothing(
    lake: Lake, table: Table, state: dict[str, Any], by: list[str]
) -> None:
    rows = [(1, "old", Decimal("1.00")), (2, "only", None), (3, "dated", Decimal("1.00"))]
    older = table.write(rows)
    newer = table.write([(1, "new", Decimal("2.00")), (3, "undated", None)])
    schema = table.schema() | {"bookmark_properties": by}
    for file in (newer, older, newer, older):
        lake.load(schema, table.batch(file), state, load_method="upsert")
    # A version without a bookmark is older than one that has it, whenever it was extracted.
    last = "dated" if by else "undated"
    assert table.rows("id, name") == [(1, "new"), (2, "only"), (3, last)]


def test_of_two_versions_that_are_alike_the_one_loaded_last_stays(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    at = "2026-01-02T03:04:05Z"
    for name in ("first", "second"):
        file = table.write([(1, name, None)], extracted_at=at)
        lake.load(table.schema(), table.batch(file), state, load_method="upsert")
    assert table.rows("id, name") == [(1, "second")]


@pytest.mark.fault(61)
@pytest.mark.parametrize("method", ["append-only", "upsert", "overwrite"])
def test_a_key_with_a_null_is_refused(lake: Lake, state: dict[str, Any], method: str) -> None:
    table = lake.table({"a": "int32", "b": "string(5)", "v": "int32"}, key=["a", "b"])
    good = table.batch(table.write([(1, "x", 1)]))
    lake.load(table.schema(), good, state, load_method=method)
    bad = table.batch(table.write([(1, "x", 10), (2, None, 2)]))
    with pytest.raises(WarehouseError, match=r"a key is NULL.*column b, key a=2, b=None"):
        lake.load(table.schema(), bad, state, load_method=method)
    assert table.rows("v", order="v") == [(1,)]


@pytest.mark.fault(182)
@pytest.mark.parametrize(
    "config",
    [{}, {"load_method": "upsert"}, {"load_format": "parquet"}],
    ids=["csv", "upsert", "parquet"],
)
def test_rows_of_a_log_say_themselves_when_they_were_read_and_found_gone(
    lake: Lake, table: Table, state: dict[str, Any], config: dict[str, Any]
) -> None:
    at = [datetime(2026, 1, 2, 3, 4, 5, tick) for tick in (1, 2)]
    moments: list[list[datetime | None]] = [[*at], [None, at[1]]]
    rows = table.arrow([(1, "a", None), (2, None, None)])
    for name, values in zip(ROW_METADATA, moments, strict=True):
        rows = rows.append_column(name, pa.array(values, pa.timestamp("us")))
    schema = table.schema()
    schema["schema"] |= {METHOD: LOG_BASED}
    schema["schema"]["properties"] |= ROW_METADATA
    lake.load(schema, table.batch(table.write(rows)), state, **config)
    assert table.rows("id, name, _sdc_extracted_at, _sdc_deleted_at") == [
        (1, "a", at[0], None),
        (2, None, at[1], at[1]),
    ]


@pytest.mark.fault(60)
def test_an_upsert_without_a_key_is_refused_before_anything_is_read(
    lake: Lake, state: dict[str, Any]
) -> None:
    table = lake.table({"a": "int32"}, key=[])
    with pytest.raises(ConfigError, match="needs a key"):
        lake.load(table.schema(), state, load_method="upsert")


def test_a_table_without_a_key_is_appended_to(lake: Lake, state: dict[str, Any]) -> None:
    table = lake.table({"a": "int32"}, key=[])
    for _ in range(2):
        lake.load(table.schema(), table.batch(table.write([(1,)])), state)
    assert table.rows("a", order="a") == [(1,), (1,)]


@pytest.mark.fault(65)
@pytest.mark.security(19)
def test_an_overwrite_replaces_the_rows_and_leaves_views_and_grants(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    view = f"landing.v_{table.bare}"
    lake.sql(f"CREATE VIEW {view} AS SELECT id FROM {table.landing}")
    lake.sql("GRANT USAGE ON SCHEMA landing TO tidemark_analyst")
    lake.sql(f"GRANT SELECT ON {table.landing} TO tidemark_analyst")
    try:
        at = "2026-02-03T04:05:06Z"
        files = [table.write([(n, "b", None)], extracted_at=at) for n in (2, 3)]
        batches = [message for file in files for message in (table.batch(file), state)]
        lake.load(table.schema(), *batches, load_method="overwrite")
        assert lake.sql(f"SELECT id FROM {view} ORDER BY id") == [(2,), (3,)]
        assert len(lake.sql(f"SELECT id FROM {table.landing}", user="tidemark_analyst")) == 2
    finally:
        lake.sql(f"REVOKE SELECT ON {table.landing} FROM tidemark_analyst")
        lake.sql("REVOKE USAGE ON SCHEMA landing FROM tidemark_analyst")
        lake.sql(f"DROP VIEW {view}")


@pytest.mark.fault(63)
def test_an_overwrite_that_fails_leaves_the_old_rows_and_passes_no_state_on(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    good, bad = table.write([(2, "b", None)]), table.write([(3, "x" * 200, None)])
    done = lake.run(
        table.schema(), table.batch(good), state, table.batch(bad), load_method="overwrite"
    )
    assert done.code == 1
    assert done.states == []
    assert table.rows("id") == [(1,)]


@pytest.mark.fault(64)
def test_an_overwrite_does_not_empty_a_table_unless_told(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    with pytest.raises(WarehouseError, match="returned no rows"):
        lake.load(table.schema(), state, load_method="overwrite")
    empty = table.write([])
    with pytest.raises(WarehouseError, match="returned no rows"):
        lake.load(table.schema(), table.batch(empty), state, load_method="overwrite")
    assert len(table.rows()) == 1
    lake.load(
        table.schema(),
        table.batch(empty),
        state,
        load_method="overwrite",
        redshift_allow_empty_overwrite=True,
    )
    assert table.rows() == []


def test_an_overwrite_by_files_that_are_there_already_changes_nothing(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write([(1, "a", None)])
    lake.load(table.schema(), table.batch(file), state, load_method="overwrite")
    before = table.rows()
    lake.load(table.schema(), table.batch(file), state, load_method="overwrite")
    assert table.rows() == before


@pytest.mark.fault(73)
def test_parquet_is_copied_by_name_in_groups(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    straight = table.arrow([(1, "one", Decimal("1.00")), (2, "", None)])
    turned = table.arrow([(3, None, Decimal("3.00"))]).select(["amount", "ID", "name"])
    files = [table.write(straight), table.write(turned), table.write([])]
    lake.load(table.schema(), table.batch(*files), state, load_format="parquet")
    assert table.rows("id, name, amount") == [
        (1, "one", Decimal("1.00")),
        (2, "", None),
        (3, None, Decimal("3.00")),
    ]
    assert len(set(table.rows("_sdc_extracted_at"))) == 2
    assert len(set(table.rows("_tidemark_load_id"))) == 1


def test_parquet_that_would_have_to_be_converted_is_refused(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    narrow = table.arrow([(1, "a", None)]).set_column(0, "ID", pa.array([1], pa.int32()))
    file = table.write(narrow)
    with pytest.raises(ConfigError, match="LOAD_FORMAT=csv"):
        lake.load(table.schema(), table.batch(file), state, load_format="parquet")


@pytest.mark.fault(127)
def test_an_overwrite_takes_the_newest_copy_of_those_that_wait(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    """A load was missed: with both copies rows would be twice there, and a deleted one back."""
    older = table.write([(1, "a", None), (2, "gone", None)])
    at = "2026-02-03T04:05:06Z"
    newest = [table.write([(n, name, None)], extracted_at=at) for n, name in ((1, "b"), (3, "c"))]
    messages = [table.schema(), table.batch(older), state, table.batch(*newest), state]
    lake.load(*messages, load_method="overwrite")
    assert table.rows("id, name") == [(1, "b"), (3, "c")]
    assert sorted(rows for _, rows, _, _ in table.ledger()) == [0, 1, 1], "the older is dealt with"

"""The source's columns change."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from target_redshift.model.landing_table import LandingTable
from target_redshift.model.schema_drift import check_comment, compare, describe, normalise
from tidemark_core.errors import ConfigError, WarehouseError
from tidemark_core.names import LandingNames, TableName
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import to_json_schema

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table


def landing(key: tuple[str, ...] = ("ID",), table: str = "t", /, **kinds: str) -> LandingTable:
    columns = {"ID": "int64"} | kinds
    properties = {c: to_json_schema(ColumnType.parse(kind)) for c, kind in columns.items()}
    return LandingTable.from_schema(TableName("s", table), {"properties": properties}, key)


def columns_of(table: LandingTable, **changed: str | None) -> list[tuple[str, str]]:
    have = dict(table.definitions) | {k: v for k, v in changed.items() if v}
    return [(name, kind) for name, kind in have.items() if changed.get(name, kind) is not None]


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        ("character varying(80)", "VARCHAR(80)"),
        ("numeric(10,2)", "NUMERIC(10,2)"),
        ("timestamp without time zone", "TIMESTAMP"),
        ("double precision", "DOUBLE PRECISION"),
        ("binary varying(16)", "VARBYTE(16)"),
        ("bigint", "BIGINT"),
    ],
)
def test_the_catalogues_types_are_read(shown: str, kind: str) -> None:
    assert normalise(shown) == kind


def test_nothing_is_done_where_nothing_changed() -> None:
    table = landing(name="string(20)")
    drift = compare(table, columns_of(table))
    assert (drift.add, drift.widen, drift.dropped) == ((), (), ())


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("INTEGER", "int64"),
        ("BIGINT", "int32"),
        ("NUMERIC(10,2)", "decimal(12,2)"),
        ("NUMERIC(12,2)", "decimal(10,2)"),
        ("VARCHAR(20)", "int32"),
        ("INTEGER", "string(20)"),
        ("TIMESTAMP", "date"),
        ("VARBYTE(4)", "binary(8)"),
    ],
)
@pytest.mark.fault(71)
def test_other_changes_of_type_stop_with_both_types_and_a_way_out(was: str, now: str) -> None:
    table = landing(V=now)
    with pytest.raises(WarehouseError) as caught:
        compare(table, columns_of(table, v=was))
    assert caught.value.column == "V"
    for word in (was, table.columns[1].redshift, "tidemark rebuild -t s.t"):
        assert word in str(caught.value)


def test_a_wider_column_stays_as_it_is() -> None:
    table = landing(name="string(20)")
    drift = compare(table, columns_of(table, name="VARCHAR(4000)"))
    assert drift.widen == ()
    assert drift.widths["name"] == 4000


def test_the_comment_tells_source_and_key_apart() -> None:
    check_comment(landing(), describe(landing()))
    check_comment(landing(), None)
    check_comment(landing(), "somebody's own words")
    with pytest.raises(WarehouseError, match="its key changed"):
        check_comment(landing(()), describe(landing()))
    other = landing(("ID",), 'odd "name", key [1]')
    check_comment(other, describe(other))
    with pytest.raises(WarehouseError, match="is already the copy of"):
        check_comment(landing(), describe(other))


@pytest.mark.fault(67)
def test_a_new_column_is_added_and_is_null_before(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    table.columns["extra"] = ColumnType.parse("string(5)")
    table.columns["more"] = ColumnType.parse("int32")
    lake.load(table.schema(), table.batch(table.write([(2, "b", None, "x", 7)])), state)
    assert table.rows("id, extra, more") == [(1, None, None), (2, "x", 7)]


@pytest.mark.fault(67)
@pytest.mark.fault(70)
def test_a_load_that_dies_behind_a_change_of_columns_is_done_again(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    table.columns["name"] = ColumnType.parse("string(50)")
    table.columns["extra"] = ColumnType.parse("int32")
    messages = (table.schema(), table.batch(table.write([(2, "x" * 200, None, 7)])), state)
    # The first ALTER widens, outside of the transaction; COPY comes after the second, which adds.
    for step in ("execute ALTER after", "execute COPY before"):
        died = lake.run(*messages, die=step)
        assert died.code == -signal.SIGKILL, died.errors
    lake.load(*messages)
    assert table.rows("id, len(name), extra") == [(1, 1, None), (2, 200, 7)]


@pytest.mark.fault(72)
def test_a_column_that_may_be_null_from_now_on_is_loaded(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    strict = table.schema()
    strict["schema"]["properties"]["name"]["type"] = ["string"]
    lake.load(strict, table.batch(table.write([(1, "a", None)])), state)
    lake.load(table.schema(), table.batch(table.write([(2, None, None)])), state)
    assert table.rows("id, name") == [(1, "a"), (2, None)]


@pytest.mark.fault(68)
@pytest.mark.fault(69)
def test_a_dropped_column_is_kept_and_reported(
    lake: Lake, table: Table, state: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    del table.columns["name"]
    table.columns["renamed"] = ColumnType.parse("string(20)")
    lake.load(table.schema(), table.batch(table.write([(2, None, "b")])), state)
    assert table.rows("id, name, renamed") == [(1, "a", None), (2, None, "b")]
    (record,) = [r for r in caplog.records if "no longer has some columns" in r.message]
    assert record.__dict__["dropped"] == ["name"]
    assert "was a column renamed?" in record.message


@pytest.mark.fault(70)
@pytest.mark.parametrize("load_method", ["append-only", "upsert"])
def test_a_text_column_is_widened(
    lake: Lake, table: Table, state: dict[str, Any], load_method: str
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    table.columns["name"] = ColumnType.parse("string(50)")
    file = table.write([(2, "x" * 200, None)])
    lake.load(table.schema(), table.batch(file), state, load_method=load_method)
    assert table.rows("len(name)") == [(1,), (200,)]


@pytest.mark.fault(70)
@pytest.mark.parametrize(
    "design", [{"sortkey": ["name"]}, {"distkey": "name"}, {"encode": {"name": "bytedict"}}]
)
def test_a_column_that_cannot_be_widened_stops_with_a_way_out(
    lake: Lake, table: Table, state: dict[str, Any], design: dict[str, Any]
) -> None:
    options = {"redshift_table_options": {"*": design}}
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state, **options)
    table.columns["name"] = ColumnType.parse("string(50)")
    with pytest.raises(WarehouseError, match=f"tidemark rebuild -t {table.name}") as caught:
        lake.load(table.schema(), table.batch(table.write([(2, "b", None)])), state, **options)
    assert caught.value.column == "name"
    assert table.rows("id") == [(1,)]


@pytest.mark.fault(71)
@pytest.mark.fault(74)
def test_a_changed_type_stops_the_load_and_its_state(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    table.columns["amount"] = ColumnType.parse("decimal(12,2)")
    done = lake.run(table.schema(), table.batch(table.write([(2, "b", None)])), state)
    assert done.code == 1
    assert done.states == []
    assert "NUMERIC(10,2)" in done.errors
    assert "NUMERIC(12,2)" in done.errors
    assert "Traceback" not in done.errors
    assert table.rows("id") == [(1,)]


@pytest.mark.fault(74)
def test_a_changed_key_stops_the_load(lake: Lake, table: Table, state: dict[str, Any]) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    table.key = ("ID", "name")
    with pytest.raises(WarehouseError, match="its key changed: it was ID and is now ID, name"):
        lake.load(table.schema(), table.batch(table.write([(2, "b", None)])), state)


@pytest.mark.fault(157)
def test_two_sources_of_one_name_do_not_mix(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    table.name = TableName("other", table.name.table)
    with pytest.raises(WarehouseError, match="is already the copy of shop") as caught:
        lake.load(table.schema(), table.batch(table.write([(2, "b", None)])), state)
    assert (caught.value.hint or "").startswith(f"tidemark add {table.name} ")


@pytest.mark.fault(157)
def test_tables_of_one_name_load_side_by_side_under_names_of_their_own(
    lake: Lake, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lake.table({"ID": "int64"})
    bare = first.name.table
    twins = [TableName("other", bare), TableName("shop", bare.upper())]
    given = {str(name): f"{bare}__{number}" for number, name in enumerate(twins)}
    names = LandingNames.parse(given)
    tables = [first, *(replace(first, name=name, names=names) for name in twins)]
    messages: list[dict[str, Any]] = []
    for number, table in enumerate(tables):
        messages += [table.schema(), table.batch(table.write([(number,)])), state]
    lake.load(*messages, landing_names=given)
    assert [table.rows("id") for table in tables] == [[(0,)], [(1,)], [(2,)]]
    assert all(len(table.ledger()) == 1 for table in tables)

    monkeypatch.setenv("LANDING_NAMES", "")  # not set: what the file says holds
    moved = tables[1]
    more = [moved.schema(), moved.batch(moved.write([(7,)])), state]
    monkeypatch.setenv("LANDING_NAMES", json.dumps({str(moved.name): f"{bare}_new"}))
    with pytest.raises(WarehouseError, match=f"(?s)in the landing table '{bare}__0'.*rebuild -t"):
        lake.load(*more, landing_names=given)
    monkeypatch.setenv("LANDING_NAMES", "")
    lake.load(*more, landing_names=given)
    assert moved.rows("id") == [(1,), (7,)]


@pytest.mark.fault(75)
def test_too_many_columns_are_refused() -> None:
    with pytest.raises(ConfigError, match="exceed the"):
        landing(**dict.fromkeys((f"c{n}" for n in range(1_600)), "int32"))


@pytest.mark.fault(75)
@pytest.mark.fault(99)
@pytest.mark.fault(100)
@pytest.mark.parametrize("name", ["x" * 128, "id", "_tidemark_load_id ".strip().upper()])
def test_names_that_cannot_be_had_are_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        landing(**{name: "int32"})


def test_physical_design_is_as_the_settings_say(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    options = {
        "*": {"diststyle": "all"},
        str(table.name): {
            "distkey": "name",
            "sortkey": ["amount", "ID"],
            "encode": {"amount": "az64", "ID": "ZSTD"},
        },
    }
    file = table.write([(1, "a", None)])
    lake.load(table.schema(), table.batch(file), state, redshift_table_options=options)
    ((style, key),) = lake.sql(
        "SELECT diststyle, sortkey1 FROM svv_table_info "
        f"WHERE \"schema\" = 'landing' AND \"table\" = '{table.bare}'"
    )
    assert (style, key) == ("KEY(name)", "amount")
    found = lake.sql(
        "SELECT column_name, encoding, distkey, sortkey FROM svv_redshift_columns "
        f"WHERE schema_name = 'landing' AND table_name = '{table.bare}'"
    )
    design = {column: facts for column, *facts in found}
    assert design["id"] == ["zstd", False, 2]
    assert design["amount"] == ["az64", False, 1]
    assert design["name"][1:] == [True, 0]


@pytest.mark.parametrize(
    "options",
    [
        *({"distkey": "nothing"}, {"diststyle": "odd"}, {"encode": {"id": "zip"}}, {"sort": []}),
        *("even", ["id"], {"encode": ["id"]}, {"sortkey": "id"}, {"sortkey": [["id"]]}),
    ],
)
def test_a_physical_design_that_cannot_be_had_is_refused(
    lake: Lake, table: Table, state: dict[str, Any], options: Any
) -> None:
    file = table.write([(1, "a", None)])
    with pytest.raises(ConfigError, match="REDSHIFT_TABLE_OPTIONS"):
        lake.load(table.schema(), table.batch(file), state, redshift_table_options={"*": options})


@pytest.mark.fault(67)
def test_a_load_says_that_a_new_column_wants_a_backfill(
    lake: Lake, state: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    table = lake.table({"ID": "int64"})
    lake.load(table.schema(), table.batch(table.write([(1,)])), state)
    assert "backfill them" not in caplog.text
    wider = replace(table, columns={**table.columns, "v": ColumnType("int32")}, written=1)
    lake.load(wider.schema(), wider.batch(wider.write([(2, 5)])), state)
    assert "backfill them" in caplog.text
    assert table.rows("id, v") == [(1, None), (2, 5)]

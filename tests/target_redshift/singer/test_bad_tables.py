"""One bad table stops itself alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from bad_tables.kinds import BAD_TABLES
from tidemark_core.errors import ConfigError, TidemarkError, WarehouseError
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

REFUSED = [bad for bad in BAD_TABLES if bad.leg == "load"]


class Tap:
    """A tap of many tables, each of whose STATEs carries the bookmarks of all of them."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.marks: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = []

    def state(self) -> None:
        self.messages.append({"type": "STATE", "value": {"bookmarks": dict(self.marks)}})

    def send(self, table: Table, *files: Any, mark: str = "new") -> None:
        self.marks[table.name.stream] = mark
        self.messages += [table.schema(), table.batch(*files)]
        self.state()

    def good(self) -> Table:
        table = self.lake.table({"ID": "int64", "name": "string(20)"})
        self.send(table, table.write([(1, "x")]))
        return table


@pytest.mark.fault(19)
@pytest.mark.fault(122)
@pytest.mark.fault(126)
@pytest.mark.parametrize("method", ["append-only", "upsert", "overwrite"])
def test_bad_tables_between_good_ones_stop_themselves_alone(
    lake: Lake, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tap = Tap(lake)
    bad: list[Table] = []
    for kind in REFUSED:
        table = lake.table(kind.columns, key=[kind.key])
        is_reserved = kind.name.startswith("tidemark_")
        bad.append(replace(table, name=TableName("shop", kind.name)) if is_reserved else table)
    changed = lake.table({"ID": "int64"})
    gone = changed.write([(1,)], etag="0" * 32)
    tap.marks = {table.name.stream: "old" for table in (*bad, changed)}
    tap.state()
    good = [tap.good()]
    for kind, table in zip(REFUSED, bad, strict=True):
        tap.send(table, table.write(list(kind.rows)))
        good.append(tap.good())
    tap.send(changed, gone)
    good.append(tap.good())

    out: list[Any] = []
    with pytest.raises(TidemarkError, match=f"{len(REFUSED) + 1} tables failed"):
        out += lake.load(*tap.messages, load_method=method)
    told = capsys.readouterr()
    for table in (*bad, changed):
        assert told.err.count(f"table {table.name}") == 1, "told once"
        assert lake.staged(table) == []
        assert table.ledger() == []
        key = lake.s3.layout.lease_key(table.name, "warehouse")
        if lake.keys(key):
            body = lake.client.get_object(Bucket=lake.s3.bucket, Key=key)["Body"].read()
            assert b'"released": true' in body
    for table in good:
        assert table.rows("id, name") == [(1, "x")]
        assert len(table.ledger()) == 1


@pytest.mark.fault(122)
def test_a_failed_tables_bookmark_stays_and_the_others_move_on(lake: Lake) -> None:
    tap = Tap(lake)
    bad = lake.table({"ID": "int64", "t": "string"})
    tap.marks[bad.name.stream] = "old"
    tap.state()
    first = bad.write([(1, "fits")])
    tap.send(bad, first, mark="first")
    one = tap.good()
    tap.send(bad, bad.write([(2, "x" * 65_536)]), mark="second")
    two = tap.good()
    tap.send(bad, bad.write([(3, "late")]), mark="third")
    three = tap.good()
    done = lake.run(*tap.messages)
    assert done.code == 1
    assert done.errors.count("does not fit VARCHAR") == 1, "told once"
    expected = {bad.name.stream: "first", **{t.name.stream: "new" for t in (one, two, three)}}
    assert done.states[-1]["bookmarks"] == expected
    assert bad.rows("id") == [(1,)], "nothing of it is loaded after it failed"


@pytest.mark.fault(124)
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("key", [None, "a ", "a\0"], ids=["null", "blank", "nul"])
def test_a_key_that_would_not_stay_what_it_is_stops_its_table(
    lake: Lake, state: dict[str, Any], form: str, key: str | None
) -> None:
    table = lake.table({"k": "string(9)", "v": "int32"}, key=["k"])
    rows = [("a", 1), (key, 2)]
    with pytest.raises(WarehouseError, match=f"table {table.name}"):
        lake.load(table.schema(), table.batch(table.write(rows)), state, load_format=form)
    assert table.ledger() == []


@pytest.mark.fault(124)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_key_is_named_whatever_bytes_are_beside_it(
    lake: Lake, state: dict[str, Any], form: str
) -> None:
    """The driver decodes VARBYTE as UTF-8."""
    table = lake.table({"k": "string(9)", "b": "binary(9)"}, key=["k", "b"])
    file = table.batch(table.write([("a ", b"4%\x9b")]))
    with pytest.raises(WarehouseError, match=r"key k='?a '?, b=.*(34259B|\\x9b)"):
        lake.load(table.schema(), file, state, load_format=form)
    assert table.ledger() == []


@pytest.mark.fault(100)
@pytest.mark.parametrize("name", ["_sdc_extracted_at", "_sdc_deleted_at", "_tidemark_load_id"])
def test_a_source_column_with_the_name_of_ours_stops_its_table(
    lake: Lake, state: dict[str, Any], name: str
) -> None:
    table, good = lake.table({"ID": "int64", name: "int32"}), lake.table({"ID": "int64"})
    lake.load(good.schema(), good.batch(good.write([(1,)])), state)
    file = table.batch(table.write([(1, 7)]))
    with pytest.raises(
        ConfigError, match=rf"(?s)a column that Tidemark adds.*column {name}.*select rule"
    ):
        lake.load(table.schema(), file, state)
    assert table.ledger() == []


@pytest.mark.fault(100)
def test_a_source_column_with_a_name_of_singers_is_a_column(
    lake: Lake, state: dict[str, Any]
) -> None:
    table = lake.table({"ID": "int64", "_sdc_received_at": "int32"})
    lake.load(table.schema(), table.batch(table.write([(1, 7)])), state)
    assert table.rows("id, _sdc_received_at") == [(1, 7)]


@pytest.mark.fault(124)
def test_a_trailing_blank_may_stand_where_it_does_not_count_in_the_source(
    lake: Lake, state: dict[str, Any]
) -> None:
    table = lake.table({"k": "string(9)", "v": "int32"}, key=["k"])
    schema = table.schema()
    schema["schema"]["properties"]["k"]["x-tidemark-padded"] = True
    for form in ("csv", "parquet"):
        file = table.batch(table.write([("a ", 1)]))
        lake.load(schema, file, state, load_format=form)
    assert table.rows("k", order="k") == [("a ",), ("a ",)]


@pytest.mark.fault(125)
def test_an_empty_binary_is_counted_where_it_becomes_null(
    lake: Lake, state: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    table = lake.table({"ID": "int64", "b": "binary(9)"})
    file = table.batch(table.write([(1, b""), (2, None), (3, b"x")]))
    lake.load(table.schema(), file, state)
    counted = [vars(record).get("conversions") for record in caplog.records]
    assert {"b": {"empty_binary_null": 1}} in counted
    assert table.rows("id, b IS NULL") == [(1, True), (2, True), (3, False)]

"""One bad table stops itself alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from bad_tables.kinds import BAD_TABLES, BadTable
from tidemark_core.errors import ConfigError, LakeError, TidemarkError
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import to_json_schema

if TYPE_CHECKING:
    from tests.target_s3_parquet.conftest import Feed, Lake, MakeFile, Say

Message = dict[str, Any]
REFUSED = [bad for bad in BAD_TABLES if bad.leg == "backup"]


def _schema(bad: BadTable) -> Message:
    types = {name: ColumnType.parse(kind) for name, kind in bad.columns.items()}
    return {
        "type": "SCHEMA",
        "stream": f"shop-{bad.name}",
        "schema": {"properties": {name: to_json_schema(kind) for name, kind in types.items()}},
        "key_properties": [bad.key],
    }


def _batch(bad: BadTable, make_file: MakeFile) -> Message:
    columns = zip(*bad.rows, strict=True)
    table = pa.table(
        {
            name: pa.array(values, to_arrow(ColumnType.parse(kind)))
            for (name, kind), values in zip(bad.columns.items(), columns, strict=True)
        }
    )
    facts = {"conversions": bad.conversions} if bad.conversions else {}
    return {
        "type": "BATCH",
        "stream": f"shop-{bad.name}",
        "encoding": {"format": "parquet"},
        "manifest": [make_file(table, **facts).to_url()],
    }


class Tap:
    """A tap of many tables, each of whose STATEs carries the bookmarks of all of them."""

    def __init__(self, say: Say, make_file: MakeFile, *, records: bool) -> None:
        self.marks: dict[str, Any] = {}
        self._say, self._make_file, self._records = say, make_file, records

    def state(self) -> Message:
        return {"type": "STATE", "value": {"bookmarks": dict(self.marks)}}

    def good(self, name: str, *ids: int) -> list[Message]:
        self._say.stream = f"shop-{name}"
        data = (
            [self._say.record(id=number) for number in ids]
            if self._records
            else [self._say.batch(self._make_file(self._say.orders(*ids)))]
        )
        self.marks[f"shop-{name}"] = {"at": max(ids)}
        return [self._say.schema(), *data, self.state()]

    def bad(self, bad: BadTable) -> list[Message]:
        stream = f"shop-{bad.name}"
        data = (
            [{"type": "RECORD", "stream": stream, "record": row} for row in bad.records()]
            if self._records
            else [_batch(bad, self._make_file)]
        )
        self.marks[stream] = {"at": "new"}
        return [_schema(bad), *data, self.state()]


@pytest.mark.fault(19)
@pytest.mark.fault(122)
@pytest.mark.parametrize("records", [False, True], ids=["batch", "record"])
def test_bad_tables_between_good_ones_stop_themselves_alone(
    lake: Lake, feed: Feed, say: Say, make_file: MakeFile, capsys: Any, tmp_path: Path,
    records: bool,
) -> None:  # fmt: skip
    tap = Tap(say, make_file, records=records)
    for bad in BAD_TABLES:
        tap.marks[f"shop-{bad.name}"] = {"at": "old"}
    messages = [tap.state()]
    for number, bad in enumerate(BAD_TABLES):
        messages += [*tap.good(f"good{number}", 1), *tap.bad(bad)]
    messages += tap.good("last", 1, 2)
    refused = [bad for bad in REFUSED if not records or bad.name != "d_zero_date"]
    with pytest.raises(TidemarkError, match=f"{len(refused)} tables failed"):
        feed(*messages, s3_commit_rows=1)

    errors = capsys.readouterr().err
    for bad in refused:
        assert errors.count(f"table shop.{bad.name}") == 1, "told once"
        assert lake.keys(f"manifests/shop.{bad.name}/") == []
    for stream, mark in feed.passed[-1]["bookmarks"].items():
        bad_names = [f"shop-{bad.name}" for bad in refused]
        assert mark == ({"at": "old"} if stream in bad_names else tap.marks[stream])
    for number in range(len(BAD_TABLES)):
        assert len(lake.manifests(f"shop.good{number}/")) == 1
    assert len(lake.rows("shop.last/")) == 2
    for bad in refused:
        body = lake.body(f"leases/shop.{bad.name}/lake.json")
        assert b'"released": true' in body, "nobody need wait for its lease"


@pytest.mark.fault(100)
@pytest.mark.parametrize("records", [False, True], ids=["batch", "record"])
def test_a_column_of_the_source_is_no_metadata_whatever_its_name(
    lake: Lake, feed: Feed, say: Say, make_file: MakeFile, records: bool
) -> None:
    number, name = ColumnType("int64"), "_sdc_received_at"
    data = say.batch(make_file(pa.table({"id": [1], name: [7]})))
    if records:
        # As a tap's own words about the record stand beside it; those are left out.
        data = say.record(id=1, **{name: 7, "_sdc_sequence": 9})
    feed(say.schema({"id": number, name: number}), data, say.state(1))
    assert lake.rows() == [{"id": 1, name: 7}]
    assert lake.manifests()[0].conversions == {}


@pytest.mark.fault(100)
@pytest.mark.parametrize("name", ["_sdc_extracted_at", "_SDC_deleted_at", "_tidemark_load_id"])
@pytest.mark.parametrize("records", [False, True], ids=["batch", "record"])
def test_a_column_with_the_name_of_landings_own_is_refused_before_anything_is_written(
    lake: Lake, feed: Feed, say: Say, make_file: MakeFile, name: str, records: bool
) -> None:
    number = ColumnType("int64")
    file = say.batch(make_file(pa.table({"id": [1], name: [7]})))
    data = say.record(id=1, **{name: 7}) if records else file
    with pytest.raises(ConfigError, match=rf"(?s)that Tidemark adds.*column {name}.*select rule"):
        feed(say.schema({"id": number, name: number}), data, say.state(1))
    assert lake.keys("manifests/") + lake.keys("incremental/") == []


@pytest.mark.fault(122)
def test_a_table_that_fails_late_keeps_its_last_bookmark_for_ever(
    lake: Lake, feed: Feed, say: Say, make_file: MakeFile
) -> None:
    """Its second file is odd: what the first one brought is committed, and claimed no further."""
    tap = Tap(say, make_file, records=False)
    messages = [*tap.good("a", 1), *tap.good("b", 1)]
    say.stream = "shop-a"
    messages += [say.batch(make_file(say.orders(2), rows=7))]
    tap.marks["shop-a"] = {"at": 2}
    messages += [tap.state(), *tap.good("b", 2)]
    say.stream = "shop-a"
    later = make_file(say.orders(3))
    messages += [say.batch(later)]
    tap.marks["shop-a"] = {"at": 3}
    messages += [tap.state(), *tap.good("c", 5)]
    with pytest.raises(LakeError, match="its BATCH message says 7"):
        feed(*messages)
    assert feed.passed[-1] == {
        "bookmarks": {"shop-a": {"at": 1}, "shop-b": {"at": 2}, "shop-c": {"at": 5}}
    }
    assert [row["id"] for row in lake.rows("shop.a/")] == [1]
    assert not Path(later.path).exists(), "the tap waits for room until its files are taken"


@pytest.mark.fault(122)
def test_no_state_is_passed_on_where_a_failed_streams_bookmark_is_not_known(
    lake: Lake, feed: Feed, say: Say, make_file: MakeFile
) -> None:
    """Another tap's first STATE claims the bad table's rows already."""
    tap = Tap(say, make_file, records=False)
    say.stream = "shop-a"
    odd = [say.schema(), say.batch(make_file(say.orders(2), rows=7))]
    tap.marks["shop-a"] = {"at": 2}
    with pytest.raises(LakeError, match="says 7"):
        feed(*odd, *tap.good("b", 1))
    assert feed.passed == []
    assert len(lake.rows("shop.b/")) == 1


@pytest.mark.fault(124)
def test_a_record_whose_key_would_be_bent_stops_its_table(feed: Feed, say: Say) -> None:
    columns = {"k": ColumnType("string", length=9), "v": ColumnType("int32")}
    with pytest.raises(LakeError, match=r"invalid_text_replaced.*column k, key k="):
        feed(say.schema(columns, keys=["k"]), say.record(k="a", v=1), say.record(k="\ud800", v=2))


@pytest.mark.fault(126)
def test_a_backup_warns_of_a_table_that_cannot_be_loaded(
    feed: Feed, say: Say, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    say.stream = "shop-tidemark_loads"
    feed(say.schema(), say.batch(make_file(say.orders(1))), say.state(1))
    assert "it cannot be loaded" in caplog.text


@pytest.mark.fault(127)
def test_a_full_copy_is_committed_by_its_own_end_alone(
    lake: Lake, feed: Feed, say: Say, make_file: MakeFile
) -> None:
    """Another table's STATE comes in the middle of one, and one is begun again."""
    tap = Tap(say, make_file, records=False)

    def part(*ids: int, **facts: Any) -> list[Message]:
        say.stream = "shop-whole"
        return [say.batch(make_file(say.orders(*ids), **facts))]

    say.stream = "shop-whole"
    whole = say.schema()
    messages = [whole, *part(1, has_more=True), *tap.good("a", 1), *part(2, has_more=True)]
    messages += [whole, *part(1, has_more=True), *tap.good("b", 1), *part(2), tap.state()]
    messages += [whole, *part(7, has_more=True), *tap.good("c", 1), whole, tap.state()]
    feed(*messages)
    (copy,) = lake.manifests("shop.whole/")
    assert [row["id"] for row in lake.rows("shop.whole/")] == [1, 2]
    assert copy.rows == 2
    for other in "abc":
        assert len(lake.manifests(f"shop.{other}/")) == 1

    say.stream = "shop-late"
    late = [say.schema(), say.batch(make_file(say.orders(1), has_more=True))]
    with pytest.raises(LakeError, match="the input ended before the STATE") as caught:
        feed(*late, *tap.good("d", 1))
    assert [error.table for error in caught.value.of_tables] == ["shop.late"]
    assert lake.manifests("shop.late/") == []
    assert len(lake.manifests("shop.d/")) == 1

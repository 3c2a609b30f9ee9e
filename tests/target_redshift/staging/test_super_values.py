"""JSON and long text in SUPER columns: as they were, or refused by name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_redshift.model.landing_table import LandingTable
from target_redshift.staging.super_values import (
    as_json_strings,
    null_documents,
    unfit_documents,
)
from target_redshift.staging.value_fitter import Cleaner
from tidemark_core.errors import ConfigError, WarehouseError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import to_json_schema
from tidemark_core.types.super_columns import MAX_SUPER_BYTES, SuperColumns

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

STRING_BYTES = 65_535
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
#: JSON that SUPER would change, and what is said of it.
UNFIT = {
    '{"a": 1, "a": 2}': "has an attribute twice",
    '[{"b": {"\\u0061": 1, "a": 2}}]': "has an attribute twice",
    "1" * 39: "more than the 38 digits",
    "[-0.12345678901234567890123456789012345678]": "more than the 38 digits",
    "1e400": "more digits than DOUBLE",
    "[1.2345678901234567890123e5]": "more digits than DOUBLE",
    '"a\\u0000b"': "a NUL character",
    '{"\\u0000": 1}': "a NUL character",
    '"\\ud83d"': "half a surrogate pair",
    "[" * 2_000 + "]" * 2_000: "nested about 1,000 levels",
    json.dumps(["é" * 40_000]): "has 80,000 bytes",
    json.dumps({"a" * 70_000: 1}): "has 70,000 bytes",
    '{"a": 1': "not valid JSON",
    "[NaN]": "not valid JSON",
    "": "not valid JSON",
}


@given(st.lists(st.none() | TEXTS, max_size=5))
def test_texts_become_json_strings(texts: list[str | None]) -> None:
    found = as_json_strings(pa.array(texts, pa.string())).to_pylist()
    assert [None if text is None else json.loads(text) for text in found] == texts
    assert not any(ord(character) < 32 for text in found for character in text or "")


@given(st.lists(DOCUMENTS, max_size=5), st.booleans())
def test_what_super_holds_is_let_through(documents: list[Any], is_ascii: bool) -> None:
    array = pa.array([json.dumps(one, ensure_ascii=is_ascii) for one in documents], pa.string())
    assert unfit_documents(array, STRING_BYTES) == {}
    assert null_documents(array).to_pylist() == [one is None for one in documents]


@pytest.mark.fault(224)
@pytest.mark.parametrize(("text", "why"), UNFIT.items(), ids=lambda text: str(text)[:30])
def test_what_super_would_change_is_found(text: str, why: str) -> None:
    found = unfit_documents(pa.array([None, "{}", text]), STRING_BYTES)
    assert list(found) == [2]
    assert why in found[2]


@pytest.mark.fault(224)
def test_json_of_more_than_16_mb_goes_by_the_setting() -> None:
    properties = {"doc": to_json_schema(ColumnType("json"))}
    chosen = SuperColumns.parse({"s.t": ["doc"]})
    landing = LandingTable.from_schema(
        TableName("s", "t"), {"properties": properties}, [], super_columns=chosen
    )
    block = pa.record_batch({"doc": ["[]", f'["{"x" * MAX_SUPER_BYTES}"]']})
    with pytest.raises(WarehouseError, match="longer than 16,777,216 bytes") as caught:
        Cleaner(landing).clean(block)
    assert "REDSHIFT_TOO_LONG=null" in str(caught.value.hint)
    (array,), counts = Cleaner(landing, "truncate").clean(block)
    assert array.to_pylist() == ["[]", None]
    assert counts == {"doc": {"too_long_null": 1}}


def super_table(lake: Lake, columns: dict[str, str], names: list[Any]) -> tuple[Table, Any]:
    table = lake.table({"ID": "int64", **columns})
    return table, {"super_columns": {str(table.name): names}}


VALUES = [
    '{"b": 1, "a": [true, null, {"c": "x"}]}',
    '{"big": 12345678901234567890123456789012345678, "d": 1.10, "f": 1.7976931348623157e308}',
    '"a string"',
    '"😀 \\u00e9 \\n \\" \\\\ @NULL@"',
    "-0.30000000000000004",
    "[]",
    '{"": {}}',
    "[" * 150 + "]" * 150,
    None,
]


def test_json_arrives_parsed(lake: Lake, state: dict[str, Any]) -> None:
    table, config = super_table(lake, {"doc": "json"}, ["doc"])
    lake.load(table.schema(), table.batch(table.write(list(enumerate(VALUES)))), state, **config)
    found = dict(table.rows("id, doc"))
    assert [_meaning(found[number]) for number in range(len(VALUES))] == list(map(_meaning, VALUES))
    assert table.rows("doc.a[2].c", "id")[0] == ('"x"',)
    kinds = lake.sql(
        "SELECT data_type FROM information_schema.columns WHERE table_schema = 'landing' "
        f"AND table_name = '{table.bare}' AND column_name = 'doc'"
    )
    assert kinds == [("super",)]


TEXT_VALUES = [
    *("", "null", "@NULL@", '{"a": 1}', "\r\n\t\x01\x1f\\\"'", "é😀", "a ", "x" * STRING_BYTES),
    None,
]


def test_text_that_holds_json_arrives_parsed(lake: Lake, state: dict[str, Any]) -> None:
    table, config = super_table(lake, {"doc": "string(20)"}, [{"DOC": "json"}])
    rows = [(1, '{"a": [1]}'), (2, "null"), (3, None)]
    lake.load(table.schema(), table.batch(table.write(rows)), state, **config)
    assert table.rows("id, doc") == [(1, '{"a":[1]}'), (2, None), (3, None)]
    with pytest.raises(WarehouseError, match="it is not valid JSON"):
        lake.load(table.schema(), table.batch(table.write([[4, "{"]])), state, **config)


def test_texts_arrive_as_strings(lake: Lake, state: dict[str, Any]) -> None:
    table, config = super_table(lake, {"Note": "string"}, ["note"])
    rows = list(enumerate(TEXT_VALUES))
    lake.load(table.schema(), table.batch(table.write(rows)), state, **config)
    found = dict(table.rows("id, note"))
    assert [_meaning(found[number]) for number, _ in rows] == TEXT_VALUES


@pytest.mark.usefixtures("large_strings")
def test_text_longer_than_a_varchar_arrives_where_the_warehouse_takes_it(
    lake: Lake, state: dict[str, Any]
) -> None:
    table, config = super_table(lake, {"note": "string", "doc": "json"}, ["note", "doc"])
    text = 'é"\n' * 100_000
    rows = [(1, text, json.dumps([text]))]
    lake.load(table.schema(), table.batch(table.write(rows)), state, **config)
    ((note, doc),) = table.rows("note, doc")
    assert (json.loads(note), json.loads(doc)) == (text, [text])


@pytest.mark.fault(96)
def test_text_longer_than_a_string_in_super_goes_by_the_setting(
    lake: Lake, state: dict[str, Any]
) -> None:
    table, config = super_table(lake, {"note": "string"}, ["note"])
    messages = (table.schema(), table.batch(table.write([[1, "é" * 40_000]])), state)
    with pytest.raises(
        WarehouseError, match=r"80000 bytes does not fit a string in SUPER"
    ) as caught:
        lake.load(*messages, **config)
    assert "enable_large_strings_opt_in" in str(caught.value.hint)
    lake.load(*messages, redshift_too_long="truncate", **config)
    assert table.rows("octet_length(note::varchar)") == [(65_534,)]


def test_an_upsert_replaces_super_values(lake: Lake, state: dict[str, Any]) -> None:
    table, config = super_table(lake, {"doc": "json"}, ["doc"])
    config["load_method"] = "upsert"
    for text in ('{"a": 1}', '{"a": 2}'):
        lake.load(table.schema(), table.batch(table.write([[1, text]])), state, **config)
    assert table.rows("id, doc") == [(1, '{"a":2}')]


def test_parquet_is_not_copied_into_super(lake: Lake, state: dict[str, Any]) -> None:
    table, config = super_table(lake, {"doc": "json"}, ["doc"])
    messages = (table.schema(), table.batch(table.write([[1, "{}"]])), state)
    with pytest.raises(ConfigError, match="does not parse JSON") as caught:
        lake.load(*messages, load_format="parquet", **config)
    assert "LOAD_FORMAT=csv" in str(caught.value.hint)
    lake.load(*messages, load_format="auto", **config)
    assert table.rows("id, doc") == [(1, "{}")]


@pytest.mark.fault(225)
@pytest.mark.parametrize("at_first", [True, False])
def test_a_landing_table_of_the_other_type_is_to_be_rebuilt(
    lake: Lake, state: dict[str, Any], at_first: bool
) -> None:
    table, config = super_table(lake, {"doc": "json"}, ["doc"])
    before, after = (config, {}) if at_first else ({}, config)
    lake.load(table.schema(), table.batch(table.write([[1, "{}"]])), state, **before)
    with pytest.raises(WarehouseError, match="by SUPER_COLUMNS it should have") as caught:
        lake.load(table.schema(), table.batch(table.write([[2, "{}"]])), state, **after)
    assert caught.value.hint == f"tidemark rebuild -t {table.name} --from-lake"
    assert len(table.rows()) == 1


def _meaning(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=Decimal)


@pytest.mark.fault(224)
def test_json_that_super_would_change_stops_its_table(lake: Lake, state: dict[str, Any]) -> None:
    table, config = super_table(lake, {"doc": "json"}, ["doc", "added_later"])
    file = table.write([[1, "{}"], [2, '{"a": 1, "a": 2}']])
    messages = (table.schema(), table.batch(file), state)
    with pytest.raises(WarehouseError, match=r"SUPER cannot hold .*an attribute twice") as caught:
        lake.load(*messages, **config)
    assert (caught.value.table, caught.value.column) == (str(table.name), "doc")
    assert "2" in str(caught.value.key)
    assert table.ledger() == []
    done = lake.run(*messages, redshift_too_long="null", **config)
    assert done.code == 0, done.errors
    assert "the stream does not have: added_later" in done.errors
    assert '"unfit_json_null": 1' in done.errors.replace("'", '"')
    assert table.rows("id, doc") == [(1, "{}"), (2, None)]


@pytest.mark.fault(225)
def test_what_cannot_be_super_stops_its_table(lake: Lake, state: dict[str, Any]) -> None:
    columns = {"doc": "json", "note": "string(20)", "number": "int64"}
    for name, why in (
        ("note", "always fits VARCHAR"),
        ("number", "SUPER is for JSON and long text"),
        ("ID", "SUPER is for JSON"),
    ):
        table, config = super_table(lake, columns, [name])
        with pytest.raises(ConfigError, match=why):
            lake.load(table.schema(), table.batch(table.write([])), state, **config)
    table, config = super_table(lake, columns, ["doc"])
    config["redshift_table_options"] = {"*": {"distkey": "doc"}}
    with pytest.raises(ConfigError, match="distribution or sort key, which cannot be SUPER"):
        lake.load(table.schema(), table.batch(table.write([[1, "{}", "", 1]])), state, **config)
    assert table.ledger() == []

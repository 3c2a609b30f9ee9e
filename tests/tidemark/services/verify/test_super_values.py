"""verify --checksum and SUPER columns: compared by what JSON means, as each server writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standing import BIGINT, BUILDER, Kinds, drop, in_lake, in_landing, in_mysql, in_public
from tidemark.services.compare.super_values import copied_meaning, source_meaning
from tidemark_core.types.column_type import ColumnType

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)


def other_writing(value: Any) -> str:
    """The same document as another server writes it."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k)} : {other_writing(v)}" for k, v in reversed(value.items()))
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(other_writing, value))} ]"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):e}"
    return json.dumps(value, ensure_ascii=False)


@given(DOCUMENTS)
def test_a_document_is_itself_however_it_is_written(document: Any) -> None:
    assert copied_meaning(other_writing(document)) == source_meaning(json.dumps(document), "json")


@given(DOCUMENTS, DOCUMENTS)
def test_no_document_is_another(one: Any, other: Any) -> None:
    is_one = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    if not is_one and one != other:
        assert source_meaning(json.dumps(one), "json") != copied_meaning(json.dumps(other))


@given(NUMBERS, NUMBERS)
def test_numbers_are_compared_by_value(one: Decimal, other: Decimal) -> None:
    found = source_meaning(f"[{one:f}]", "json") == copied_meaning(f"[{other:e}]")
    assert found == (one == other)


@given(st.none() | st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_is_compared_as_a_string(text: str | None) -> None:
    copied = None if text is None else json.dumps(text, ensure_ascii=False)
    assert source_meaning(text, "text") == copied_meaning(copied)
    if text is not None:
        assert source_meaning(text, "text") != copied_meaning(json.dumps([text]))


COLUMNS: dict[str, Kinds] = {
    "id": BIGINT,
    "doc": ("JSON", "SUPER", ColumnType("json")),
    "note": ("LONGTEXT", "SUPER", ColumnType("string")),
    "said": ("LONGTEXT", "SUPER", ColumnType("string")),
}
SOURCE = {1: "'{\"a\": 1.50, \"b\": [true]}', '\"x', '[1, 2]'", 2: "'null', 'null', NULL"}
COPY = {
    1: "json_parse('{\"b\":[true],\"a\":1.5}'), '\"x', json_parse('[1,2]')",
    2: "NULL, 'null', NULL",
}


@pytest.fixture
def papers(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A table with SUPER columns, alike on both servers."""
    chosen = {str(lake.table): ["doc", "note", {"said": "json"}]}
    monkeypatch.setenv("SUPER_COLUMNS", json.dumps(chosen))
    moment = datetime(2025, 8, 3, 12, tzinfo=UTC)
    in_mysql(lake, COLUMNS, ["id"], [f"{key}, {row}" for key, row in SOURCE.items()])
    copies = [f"{key}, {row}" for key, row in COPY.items()]
    in_landing(lake, COLUMNS, [(row, "2025-08-03 12:00:00", 1) for row in copies])
    in_public(lake, COLUMNS, copies)
    in_lake(lake, COLUMNS, ["id"], 2, moment, None)
    yield lake
    drop(lake)


@pytest.mark.fault(141)
def test_super_columns_are_compared(papers: Lake) -> None:
    words = ("verify", "-t", str(papers.table), "--checksum")
    done = papers.run(*words)
    assert done.code == 0, done.out + done.err
    for column, value in {
        "doc": "json_parse('{}')",
        "note": "'X'",
        "said": "json_parse('[2,1]')",
    }.items():
        update = f"UPDATE public.{papers.landing} SET {column} = {value} WHERE id = 1"
        papers.sandbox.warehouse(update, user=BUILDER)
        done = papers.run(*words)
        assert done.code == 3, column
        assert f"{column}; first keys: 1 " in done.out + done.err

"""Keys are never changed, and no two of them become one. Pure."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from target_redshift.model.landing_table import Column, LandingTable
from target_redshift.staging.csv_encoder import encode
from target_redshift.staging.value_fitter import Cleaner
from tidemark_core.errors import WarehouseError
from tidemark_core.names import TableName
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import ColumnType

MARKER = "@NULL@"
texts = st.text(st.sampled_from("ab \0\t\n\"',@\\é"), max_size=4)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "string(9)": texts,
    "binary(9)": st.binary(max_size=3),
    "int32": st.integers(-5, 5),
    "date": st.dates(),
}


def _loaded(array: Any) -> list[Any]:
    """What the warehouse makes of a column: NULL for an empty field that is not text."""
    rows = csv.reader(io.StringIO(encode([array, array], MARKER).decode()))
    is_text = pa.types.is_string(array.type)
    return [None if row[0] == MARKER or not (row[0] or is_text) else row[0] for row in rows]


def _compared(value: Any) -> Any:
    """What counts of a value when the warehouse compares it: no trailing blanks."""
    return value.rstrip(" ") if isinstance(value, str) else value


@pytest.mark.fault(124)
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)))
@example(data=None, kind="string(9)")
def test_keys_that_are_loaded_stay_as_they_were_and_apart(data: Any, kind: str) -> None:
    strategy = st.lists(st.none() | KINDS[kind], min_size=1, max_size=6, unique=True)
    keys = ["a", "a ", "a\0"] if data is None else data.draw(strategy)
    column = Column("K", "k", ColumnType.parse(kind), key=True)
    landing = LandingTable(TableName("shop", "t"), "t", (column,))
    block = pa.record_batch({"K": pa.array(keys, to_arrow(column.type))})
    bad = [
        key
        for key in keys
        if key is None or key == b"" or (isinstance(key, str) and ("\0" in key or key[-1:] == " "))
    ]
    if bad:
        with pytest.raises(WarehouseError, match=r"keys are never altered.*column K, key K="):
            Cleaner(landing).clean(block)
        return
    (array,), counts = Cleaner(landing).clean(block)
    assert array.to_pylist() == keys
    assert not counts
    seen = [_compared(value) for value in _loaded(array)]
    assert None not in seen
    assert len(set(seen)) == len(keys)


def test_padded_keys_may_end_in_blanks() -> None:
    column = Column("K", "k", ColumnType("string", length=9), key=True, padded=True)
    landing = LandingTable(TableName("shop", "t"), "t", (column,))
    (array,), _ = Cleaner(landing).clean(pa.record_batch({"K": pa.array(["a "])}))
    assert array.to_pylist() == ["a "]

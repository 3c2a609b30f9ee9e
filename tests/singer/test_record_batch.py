"""Records to Arrow: errors name column and key, and no key is changed."""

from __future__ import annotations

from typing import Any

import pytest
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.conversions import Conversions
from tidemark_singer.records.batch import ChangedKeyError, RecordError, RecordShape

SHAPE = RecordShape(
    {name: ColumnType.parse(kind) for name, kind in {"k": "string", "n": "int8"}.items()},
    texts=(),
    keys=["k"],
)


def test_what_a_record_lacks_is_null_and_what_is_changed_is_counted() -> None:
    shape = RecordShape({"t": ColumnType.parse("string"), "n": ColumnType.parse("int8")}, ())
    counts = Conversions()
    batch = shape.batch([{"t": "half \ud800"}, {"n": 1}], counts)
    assert batch.to_pylist() == [{"t": "half \ufffd", "n": None}, {"t": None, "n": 1}]
    assert counts == {"t": {"invalid_text_replaced": 1}}


@pytest.mark.parametrize(
    ("record", "kind", "column", "key"),
    [
        ({"k": "a ", "n": 500}, RecordError, "n", "k='a '"),
        ({"k": "a\ud800", "n": 1}, ChangedKeyError, "k", "k='a\\ud800'"),
    ],
)
def test_an_error_names_column_and_key(
    record: dict[str, Any], kind: type[RecordError], column: str, key: str
) -> None:
    counts = Conversions()
    with pytest.raises(kind) as caught:
        SHAPE.batch([{"k": "b", "n": 2}, record], counts)
    assert (type(caught.value), caught.value.column, caught.value.key) == (kind, column, key)
    assert counts == {}

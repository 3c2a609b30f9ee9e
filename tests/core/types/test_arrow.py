from __future__ import annotations

import pyarrow as pa
import pytest
from tidemark_core.errors import ConfigError
from tidemark_core.types.arrow import from_arrow, to_arrow


@pytest.mark.parametrize(
    ("arrow", "text"),
    [
        (pa.uint8(), "int16"),
        (pa.uint32(), "int64"),
        (pa.uint64(), "decimal(20,0)"),
        (pa.decimal128(15, 4), "decimal(15,4)"),
        (pa.decimal256(60, 4), "string(63)"),
        (pa.timestamp("ns", "UTC"), "timestamp(6)"),
        (pa.timestamp("us"), "timestamp(6)"),
        (pa.time64("us"), "string(17)"),
        (pa.dictionary(pa.int32(), pa.string()), "string"),
        (pa.large_binary(), "binary"),
        (pa.null(), "string"),
    ],
)
def test_types_of_other_writers(arrow: pa.DataType, text: str) -> None:
    assert str(from_arrow(arrow)) == text


@pytest.mark.parametrize(
    "arrow",
    [
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.int64(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.binary(),
        pa.date32(),
        pa.timestamp("us"),
        pa.bool_(),
        pa.decimal128(38, 10),
    ],
)
def test_our_own_types_come_back(arrow: pa.DataType) -> None:
    assert to_arrow(from_arrow(arrow)) == arrow


def test_a_nested_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="list"):
        from_arrow(pa.list_(pa.int64()))

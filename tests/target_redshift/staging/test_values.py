"""Values, from Parquet to the warehouse and back."""

from __future__ import annotations

import math
import struct
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from target_redshift.staging.csv_encoder import NULL_MARKER
from tidemark_core.errors import WarehouseError

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake

TEXTS = [
    pytest.param([None, "", "NULL", "\\N", "null", NULL_MARKER], marks=pytest.mark.fault(93)),
    pytest.param(
        [
            "\r\n",
            "a\tb",
            "a,b",
            'say "x"',
            '"',
            '""',
            "\\",
            "a|b",
            "\\\\N",
            "'",
            "\n",
            ",",
            '",\n"',
        ],
        marks=pytest.mark.fault(92),
    ),
    pytest.param([" a", "a ", "  ", "\ta\t"], marks=pytest.mark.fault(94)),
    pytest.param(
        ["é", "日本語", "😀👨‍👩‍👧", "\U0010ffff", "\ufeff", "\u2028"], marks=pytest.mark.fault(88)
    ),
]


@pytest.mark.parametrize("load_format", ["csv", "parquet"])
@pytest.mark.parametrize("texts", TEXTS)
def test_texts_arrive_as_they_are(
    lake: Lake, state: dict[str, Any], texts: list[str | None], load_format: str
) -> None:
    table = lake.table({"ID": "int64", "text": "string(40)"})
    rows = list(enumerate(texts))
    lake.load(table.schema(), table.batch(table.write(rows)), state, load_format=load_format)
    assert table.rows("id, text") == rows


KINDS: dict[str, list[Any]] = {
    "int8": [-128, 127, 2, None],
    "int16": [-32768, 32767, None],
    "int32": [-(2**31), 2**31 - 1, None],
    "int64": [-(2**63), 2**63 - 1, None],
    "decimal(38,0)": [Decimal(10**38 - 1), Decimal(1 - 10**38), None],
    "decimal(20,0)": [Decimal(2**64 - 1), None],
    "decimal(38,37)": [
        Decimal("1.2345678901234567890123456789012345678"),
        Decimal("-0." + "0" * 36 + "1"),
        Decimal("0." + "0" * 37),
        Decimal("0.000001" + "0" * 31),
        None,
    ],
    "decimal(10,2)": [Decimal("0.10"), Decimal("-99999999.99"), None],
    "date": [date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), None],
    "timestamp(6)": [
        datetime(1, 1, 1),
        datetime(9999, 12, 31, 23, 59, 59, 999999),
        datetime(1970, 1, 1, 0, 0, 1),
        datetime(2038, 1, 19, 3, 14, 7, 1),
        None,
    ],
    "boolean": [True, False, None],
    "json": ['{"n": 12345678901234567890}', "[]", "null", None],
}  # fmt: skip


@pytest.mark.fault(77)
@pytest.mark.fault(78)
@pytest.mark.fault(81)
@pytest.mark.fault(82)
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_keeps_its_extremes(lake: Lake, state: dict[str, Any], kind: str) -> None:
    table = lake.table({"ID": "int64", "value": kind})
    rows = list(enumerate(KINDS[kind]))
    lake.load(table.schema(), table.batch(table.write(rows)), state)
    assert table.rows("id, value") == rows


@pytest.mark.fault(84)
def test_floats_keep_every_bit(lake: Lake, state: dict[str, Any]) -> None:
    doubles = [1e-300, 1.7976931348623157e308, 5e-324, 0.1, -0.0, 1 / 3, None]
    singles = [struct.unpack("f", struct.pack("f", x))[0] for x in (0.1, 3.4028235e38, 1e-45)]
    table = lake.table({"ID": "int64", "double": "float64", "single": "float32"})
    rows = [(n, double, singles[n % 3] if n < 6 else None) for n, double in enumerate(doubles)]
    rows.append((7, math.inf, -math.inf))
    lake.load(table.schema(), table.batch(table.write(rows)), state)
    assert table.rows("id, double, single") == rows
    lake.load(table.schema(), table.batch(table.write([(8, math.nan, math.nan)])), state)
    ((double, single),) = lake.sql(f"SELECT double, single FROM {table.landing} WHERE id = 8")
    assert math.isnan(double)
    assert math.isnan(single)


@pytest.mark.fault(87)
def test_bytes_arrive_with_their_trailing_zeros(lake: Lake, state: dict[str, Any]) -> None:
    table = lake.table({"ID": "int64", "bytes": "binary(16)"})
    values = [b"\x00\x01\xff\x00", b"a,\"b'\n", b"\xde\xad\xbe\xef", None]
    lake.load(table.schema(), table.batch(table.write(list(enumerate(values)))), state)
    found = [row[0] for row in table.rows("to_hex(bytes)")]
    assert found == [None if value is None else value.hex() for value in values]


@pytest.mark.fault(91)
def test_nul_characters_are_removed_and_counted(
    lake: Lake, state: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    table = lake.table({"ID": "int64", "text": "string(40)"})
    rows = [(1, "a\0b"), (2, "\0\0"), (3, "ab")]
    lake.load(table.schema(), table.batch(table.write(rows)), state)
    assert table.rows("id, text") == [(1, "ab"), (2, ""), (3, "ab")]
    (record,) = [r for r in caplog.records if r.message == "values changed in transit"]
    assert record.__dict__["conversions"] == {"text": {"nul_removed": 2}}


@pytest.mark.fault(95)
@pytest.mark.fault(97)
def test_lengths_are_characters_in_the_source_and_bytes_in_the_warehouse(
    lake: Lake, state: dict[str, Any]
) -> None:
    table = lake.table({"ID": "int64", "text": "string(3)"})
    lake.load(table.schema(), table.batch(table.write([(1, "😀😀😀")])), state)
    assert table.rows("text") == [("😀😀😀",)]


@pytest.mark.fault(96)
@pytest.mark.parametrize(("too_long", "expected"), [("null", None), ("truncate", "é" * 32_767)])
def test_text_that_is_too_long_is_cut_or_dropped_when_told(
    lake: Lake,
    state: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    too_long: str,
    expected: str | None,
) -> None:
    table = lake.table({"ID": "int64", "text": "string"})
    rows = [(1, "é" * 40_000), (2, "short"), (3, None)]
    lake.load(table.schema(), table.batch(table.write(rows)), state, redshift_too_long=too_long)
    assert table.rows("id, text") == [(1, expected), (2, "short"), (3, None)]
    (record,) = [r for r in caplog.records if r.message == "values changed in transit"]
    assert list(record.__dict__["conversions"]["text"].values()) == [1]


@pytest.mark.fault(96)
@pytest.mark.security(10)
def test_text_that_is_too_long_stops_with_table_column_key_and_length(
    lake: Lake, state: dict[str, Any]
) -> None:
    table = lake.table({"ID": "int64", "text": "string"})
    file = table.write([(1, "short"), (77, "secret" * 11_000)])
    with pytest.raises(WarehouseError, match=r"66000 bytes does not fit VARCHAR") as caught:
        lake.load(table.schema(), table.batch(file), state)
    error = caught.value
    assert (error.table, error.column, error.key) == (str(table.name), "text", "ID=77")
    assert "secret" not in str(error)
    assert table.ledger() == []
    assert lake.staged(table) == []


@pytest.mark.fault(96)
@pytest.mark.parametrize("too_long", ["null", "truncate"])
def test_keys_are_never_cut(lake: Lake, state: dict[str, Any], too_long: str) -> None:
    table = lake.table({"code": "string"}, key=["code"])
    file = table.write([("k" * 70_000,)])
    with pytest.raises(WarehouseError, match="keys are never truncated"):
        lake.load(table.schema(), table.batch(file), state, redshift_too_long=too_long)


@pytest.mark.fault(66)
def test_a_row_that_copy_does_not_take_stops_with_its_key(
    lake: Lake, state: dict[str, Any]
) -> None:
    columns = {"ID": "int64"} | {f"c{n}": "binary" for n in range(5)}
    table = lake.table(columns)
    file = table.write([(1, *[b"x"] * 5), (2, *[b"x" * 900_000] * 5)])
    with pytest.raises(WarehouseError, match=r"larger than .* that COPY accepts") as caught:
        lake.load(table.schema(), table.batch(file), state)
    assert caught.value.key == "ID=2"


@pytest.mark.fault(98)
@pytest.mark.security(14)
def test_strange_names_are_quoted(lake: Lake, state: dict[str, Any]) -> None:
    columns = {
        "ID": "int64",
        "select": "int32",
        'x"y': "int32",
        "a`; DROP TABLE t": "int32",
        "이름": "int32",
        "a b.c-d": "int32",
        "per%cent ?": "int32",
    }
    table = lake.table(columns)
    table.name = type(table.name)("shop", f'{table.name.table} "x"; DROP TABLE t --')
    lake.load(table.schema(), table.batch(table.write([(1, 2, 3, 4, 5, 6, 7)])), state)
    quoted = table.bare.replace('"', '""')
    rows = lake.sql(f'SELECT * FROM landing."{quoted}"')
    assert rows[0][:7] == (1, 2, 3, 4, 5, 6, 7)

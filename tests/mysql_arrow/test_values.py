"""Values of any kind, in packets and batches cut anywhere, are what they are in Python."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import mysql_arrow
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mysql_arrow.columns import Type
from mysql_wire.scripted_mysql import Column, Server, result, row, text

pytestmark = pytest.mark.fault(168)
#: Far fewer batches than rows, and far more.
SIZES = st.tuples(st.integers(1, 7), st.sampled_from([1, 40, 1000, 10**6]))


def read(
    column: Column, values: Sequence[bytes | None], kind: pa.DataType | None = None, **options: Any
) -> tuple[list[Any], list[mysql_arrow.Change]]:
    """A column's values, and all its changes."""
    server = Server(result([column], [row(value) for value in values]))
    schema = None if kind is None else pa.schema([("c", kind)])
    with server.connected() as connection:
        answer = mysql_arrow.query(connection, "SELECT", schema, **options)
        read, changes = [], []
        for batch in answer:
            batch.validate(full=True)
            read += batch.column(0).to_pylist()
            changes += answer.changes
    return read, changes


@given(st.lists(st.none() | st.binary(max_size=20) | st.text(max_size=9).map(str.encode)), SIZES)
def test_text_is_what_python_makes_of_it(
    values: list[bytes | None], sizes: tuple[int, int]
) -> None:
    rows, size = sizes
    found, changes = read(
        Column(Type.BLOB), [v if v is None else text(v) for v in values],
        batch_rows=rows, batch_bytes=size,
    )  # fmt: skip
    expected = [None if v is None else v.decode(errors="replace") for v in values]
    assert found == expected
    bad = [
        v
        for v, t in zip(values, expected, strict=True)
        if v is not None and t is not None and t.encode() != v
    ]
    assert sum(change.count for change in changes) == len(bad)
    assert {change.reason for change in changes} <= {mysql_arrow.INVALID_UTF8}
    if bad:
        assert changes[0].shown == bad[0].decode(errors="backslashreplace")


def test_every_pair_and_many_triples_of_bytes_are_what_python_makes_of_them() -> None:
    edges = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4)
    pairs = [bytes((a, b)) for a in range(256) for b in range(256)]
    longer = [bytes((a, b, c, d)) for a in range(0xE0, 0xF8) for b in edges for c in edges
              for d in edges]  # fmt: skip
    found, _ = read(Column(Type.BLOB), [text(value) for value in pairs + longer])
    assert found == [value.decode(errors="replace") for value in pairs + longer]


@given(st.lists(st.binary(max_size=300)))
def test_bytes_are_kept(values: list[bytes]) -> None:
    assert read(Column(Type.BLOB, charset=63), [text(v) for v in values]) == (values, [])


WIDTHS = {Type.TINY: "b", Type.SHORT: "h", Type.LONG: "i", Type.LONGLONG: "q"}


@given(st.data(), st.sampled_from(sorted(WIDTHS)), st.booleans())
def test_integers_fit_or_are_errors(data: st.DataObject, kind: Type, unsigned: bool) -> None:
    form = WIDTHS[kind].upper() if unsigned else WIDTHS[kind]
    bits = 8 * struct.calcsize(form)
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    edges = st.sampled_from([low, high, 127, 100, 99]).filter(lambda n: low <= n <= high)
    values = data.draw(st.lists(st.integers(low, high) | edges, max_size=9))
    column = Column(kind, flags=32 if unsigned else 0)
    written = [struct.pack(f"<{form}", value) for value in values]
    assert read(column, written) == (values, [])
    targets: list[pa.DataType] = [pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.uint32(),
                                   pa.int64(), pa.uint64(), pa.decimal128(2, 0),
                                   pa.decimal128(19, 0), pa.decimal128(20, 0)]  # fmt: skip
    target = data.draw(st.sampled_from(targets))
    if all(_fits(value, target) for value in values):
        assert read(column, written, target) == (values, [])
    else:
        with pytest.raises(mysql_arrow.UnfitError):
            read(column, written, target)


def _fits(value: int, kind: pa.DataType) -> bool:
    if isinstance(kind, pa.Decimal128Type):
        return bool(abs(value) < 10**kind.precision)
    bits = kind.bit_width
    if pa.types.is_unsigned_integer(kind):
        return bool(0 <= value < 2**bits)
    return bool(-(2 ** (bits - 1)) <= value < 2 ** (bits - 1))


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_bits_are_numbers(values: list[int]) -> None:
    column = Column(Type.BIT, length=64)
    written = [text(value.to_bytes(8)) for value in values]
    assert read(column, written) == (values, [])
    assert read(column, written, pa.decimal128(20, 0))[0] == values


@given(
    st.integers(1, 38).flatmap(
        lambda digits: st.tuples(
            st.just(digits),
            st.integers(0, digits),
            st.lists(st.integers(1 - 10**digits, 10**digits - 1)),
        )
    )
)
def test_decimals_are_exact(drawn: tuple[int, int, list[int]]) -> None:
    digits, scale, numbers = drawn
    values = [Decimal(f"{number}e-{scale}") for number in numbers]
    column = Column(Type.NEWDECIMAL, length=digits + 1 + (scale > 0), decimals=scale)
    written = [text(f"{value:f}".encode()) for value in values]
    with_zeros = [text(b"000" + f"{value.copy_abs():f}".encode()) for value in values]
    assert read(column, written, pa.decimal128(digits, scale))[0] == values
    assert read(column, with_zeros, pa.decimal128(digits, scale))[0] == [
        v.copy_abs() for v in values
    ]
    assert read(column, written, pa.string())[0] == [f"{value:f}" for value in values]


def test_an_integral_decimal_gets_its_scale() -> None:
    column = Column(Type.NEWDECIMAL, length=8, decimals=2)
    assert read(column, [text(b"7"), text(b"-7."), text(b".5")], pa.decimal128(5, 2))[0] == [
        Decimal("7.00"),
        Decimal("-7.00"),
        Decimal("0.50"),
    ]
    with pytest.raises(mysql_arrow.UnfitError):
        read(column, [text(b"1000")], pa.decimal128(5, 2))


@given(st.lists(st.floats(width=32)), st.lists(st.floats()))
def test_floats_keep_every_bit(singles: list[float], doubles: list[float]) -> None:
    def shown(values: list[float]) -> list[str]:
        return [value.hex() for value in values]

    written = [struct.pack("<f", value) for value in singles]
    assert shown(read(Column(Type.FLOAT), written)[0]) == shown(singles)
    assert shown(read(Column(Type.FLOAT), written, pa.float64())[0]) == shown(singles)
    written = [struct.pack("<d", value) for value in doubles]
    assert shown(read(Column(Type.DOUBLE), written)[0]) == shown(doubles)


def test_every_day_of_a_calendar_is_itself() -> None:
    days = [date.min + timedelta(n) for n in range(0, (date.max - date.min).days + 1, 13)]
    days += [date(year, 2, 28) + timedelta(1) for year in range(1, 9999)]
    written = [text(struct.pack("<HBB", day.year, day.month, day.day)) for day in days]
    assert read(Column(Type.DATE), written)[0] == days


@given(st.lists(st.datetimes()))
def test_moments_are_themselves(moments: list[datetime]) -> None:
    written = [_moment(m.year, m.month, m.day, m.hour, m.minute, m.second, m.microsecond)
               for m in moments]  # fmt: skip
    assert read(Column(Type.DATETIME, decimals=6), written) == (moments, [])


def _moment(*fields: int) -> bytes:
    *parts, micro = fields
    if micro:
        return text(struct.pack("<HBBBBBI", *fields))
    if any(parts[3:]):
        return text(struct.pack("<HBBBBB", *parts))
    return text(struct.pack("<HBB", *parts[:3]) if any(parts) else b"")


@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 12), st.integers(0, 31))))
def test_days_that_no_calendar_has_are_null_and_counted(days: list[tuple[int, int, int]]) -> None:
    def day_of(fields: tuple[int, int, int]) -> date | None:
        try:
            return date(*fields)
        except ValueError:
            return None

    expected = [day_of(fields) for fields in days]
    found, changes = read(Column(Type.DATE), [_moment(*fields, 0, 0, 0, 0) for fields in days])
    assert found == expected
    assert sum(change.count for change in changes) == expected.count(None)
    zero = [fields for fields in days if not fields[0]]
    others = [f for f, day in zip(days, expected, strict=True) if day is None and f[0]]
    assert [(change.count, change.row, change.shown) for change in changes] == [
        (len(group), days.index(group[0]), "{:04}-{:02}-{:02}".format(*group[0]))
        for group in (zero, others)
        if group
    ]
    assert {change.reason for change in changes} <= {mysql_arrow.ZERO_DATE}


@pytest.mark.parametrize(("decimals", "fraction"), [(0, ""), (3, ".000"), (31, "")])
def test_a_zero_moment_is_shown_with_its_digits(decimals: int, fraction: str) -> None:
    found, (change,) = read(Column(Type.TIMESTAMP, decimals=decimals), [text(b"")])
    assert (found, change.shown) == ([None], f"0000-00-00 00:00:00{fraction}")


@given(st.integers(-((838 * 60 + 59) * 60 + 59), (838 * 60 + 59) * 60 + 59), st.integers(0, 6))
def test_times_are_what_mysql_writes(seconds: int, decimals: int) -> None:
    size = abs(seconds)
    hours, minutes, rest = size // 3600, size // 60 % 60, size % 60
    fields = (seconds < 0, hours // 24, hours % 24, minutes, rest)
    written = text(struct.pack("<BIBBB", *fields)) if seconds else text(b"")
    point = "." + "0" * decimals if decimals else ""
    expected = f"{'-' if seconds < 0 else ''}{hours:02}:{minutes:02}:{rest:02}{point}"
    assert read(Column(Type.TIME, decimals=decimals), [written])[0] == [expected]
    if decimals:
        micro = 123456 // 10 ** (6 - decimals) * 10 ** (6 - decimals)
        found, _ = read(Column(Type.TIME, decimals=decimals),
                        [text(struct.pack("<BIBBBI", *fields, micro))])  # fmt: skip
        assert found == [expected.replace(point, f".{micro:06}"[: decimals + 1])]


@pytest.mark.fault(166)
@settings(max_examples=40)
@given(st.integers(1, 17), st.integers(1, 9), st.integers(1, 300), st.integers(1, 11))
def test_packets_and_batches_end_anywhere(piece: int, rows: int, size: int, cut: int) -> None:
    columns = [Column(Type.LONG, "a"), Column(Type.BLOB, "b"), Column(Type.LONG, "c")]
    values = [(n, "x" * (n % 50), None if n % 3 else -n) for n in range(40)]
    written = [
        row(struct.pack("<i", a), text(b.encode()), None if c is None else struct.pack("<i", c))
        for a, b, c in values
    ]
    with Server(result(columns, written), piece=piece).connected() as connection:
        batches = list(mysql_arrow.query(connection, "SELECT", batch_rows=rows, batch_bytes=size,
                                         cut_rows=cut))  # fmt: skip
    assert [tuple(r) for b in batches for r in zip(*b.to_pydict().values(), strict=True)] == values
    ends, at = set(), 0
    for batch in batches:
        at += batch.num_rows
        ends.add(at)
        assert batch.num_rows <= rows
        assert batch.num_rows == 1 or batch.nbytes <= size + 12
    assert ends >= set(range(cut, len(values), cut))


@pytest.mark.fault(166)
def test_values_and_rows_of_more_than_16_mb_are_whole() -> None:
    sizes = [
        0,
        0xFFFFFF - 20,
        0xFFFFFF - 6,
        0xFFFFFF - 5,
        0xFFFFFF,
        2 * 0xFFFFFF - 6,
        40_000_000,
        5,
    ]
    values = [bytes([65 + n]) * size for n, size in enumerate(sizes)]
    server = Server(
        result([Column(Type.BLOB)], [row(text(value)) for value in values]), piece=100_000
    )
    with server.connected() as connection:
        batches = mysql_arrow.query(connection, "SELECT")
        found: list[str] = [v for b in batches for v in b.column(0).to_pylist() if v is not None]
    assert [len(value) for value in found] == sizes
    assert [value.encode() for value in found] == values


def test_strict_names_the_row() -> None:
    values = [text(b"fine")] * 5 + [text(b"\xff")]
    with pytest.raises(mysql_arrow.ChangedValueError, match="column c, row 5") as caught:
        read(Column(Type.BLOB), values, strict=True, batch_rows=2)
    assert caught.value.shown == "\\xff"


def test_no_columns_of_a_batch_outlive_their_memory() -> None:
    values = [text(bytes([97 + n % 26]) * 1000) for n in range(2000)]
    with Server(result([Column(Type.BLOB)], [row(v) for v in values])).connected() as connection:
        kept = [b.column(0).slice(1, 1) for b in mysql_arrow.query(connection, "S", batch_rows=10)]
    assert [part[0].as_py() for part in kept] == [
        chr(97 + (n * 10 + 1) % 26) * 1000 for n in range(200)
    ]

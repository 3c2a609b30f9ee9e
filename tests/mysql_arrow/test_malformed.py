"""A server may be hostile: whatever it sends is a row, or an error, and never a wrong row."""

from __future__ import annotations

import struct
from typing import Any

import mysql_arrow
import pyarrow as pa
import pymysql
import pytest
from mysql_arrow import ProtocolError, UnfitError, WrongTypeError
from mysql_arrow.columns import Type
from mysql_wire.scripted_mysql import (
    EOF,
    Column,
    Server,
    packet,
    packets,
    prepared,
    result,
    row,
    text,
)

pytestmark = pytest.mark.fault(165)
INT = Column(Type.LONG)
TEXT = Column(Type.VAR_STRING)
DATE = Column(Type.DATE)
MOMENT = Column(Type.DATETIME, decimals=6)
TIME = Column(Type.TIME)
DECIMAL = Column(Type.NEWDECIMAL, length=12, decimals=2)
BIT = Column(Type.BIT, length=64)
ONE = row(b"\1\0\0\0")


def rows_of(server: Server, schema: pa.Schema | None = None) -> list[tuple[Any, ...]]:
    with server.connected() as connection:
        batches = mysql_arrow.query(connection, "SELECT", schema)
        return [tuple(r.values()) for batch in batches for r in batch.to_pylist()]


def moment(*fields: int) -> bytes:
    return text(struct.pack("<HBBBBBI", *fields))


MALFORMED = {
    "an empty packet": (INT, [b""], ProtocolError, "is empty"),
    "a packet of no kind": (INT, [b"\x07abc"], ProtocolError, "neither a row nor an end"),
    "an end that is too long": (INT, [b"\xfe\0\0\2\0\0"], ProtocolError, "neither"),
    "an end that is too short": (INT, [b"\xfe\0\0"], ProtocolError, "neither"),
    "an error without a code": (INT, [b"\xff\1"], ProtocolError, "neither"),
    "no room for the NULLs": (INT, [b"\0"], ProtocolError, "past the end of its packet"),
    "half a number": (INT, [row(b"\1\0")], ProtocolError, "past the end of its packet"),
    "a number too many": (INT, [row(b"\1\0\0\0\0")], ProtocolError, "after its last value"),
    "a missing length": (TEXT, [row(b"")], ProtocolError, "past the end of its packet"),
    "half a length": (TEXT, [row(b"\xfc\1")], ProtocolError, "past the end of its packet"),
    "a length beyond the packet": (TEXT, [row(b"\5abcd")], ProtocolError, "past the end"),
    "a length of 2^64 - 1": (TEXT, [row(b"\xfe" + b"\xff" * 8 + b"a")], ProtocolError,
                             "past the end of its packet"),
    "NULL as a length": (TEXT, [row(b"\xfb")], ProtocolError, "an invalid length"),
    "an error as a length": (TEXT, [row(b"\xff")], ProtocolError, "an invalid length"),
    "a date of 5 bytes": (DATE, [row(text(b"\xe8\7\1\1\0"))], ProtocolError, "an invalid length"),
    "a time of 7 bytes": (TIME, [row(text(bytes(7)))], ProtocolError, "an invalid length"),
    "nine bytes of bits": (BIT, [row(text(bytes(9)))], ProtocolError, "an invalid length"),
    "the year 10000": (DATE, [row(text(struct.pack("<HBB", 10_000, 1, 1)))], ProtocolError,
                       "out of range"),
    "month 13": (DATE, [row(text(struct.pack("<HBB", 2024, 13, 1)))], ProtocolError, "range"),
    "day 32": (DATE, [row(text(struct.pack("<HBB", 2024, 1, 32)))], ProtocolError, "range"),
    "hour 24": (MOMENT, [row(moment(2024, 1, 1, 24, 0, 0, 0))], ProtocolError, "range"),
    "minute 60": (MOMENT, [row(moment(2024, 1, 1, 0, 60, 0, 0))], ProtocolError, "range"),
    "second 60": (MOMENT, [row(moment(2024, 1, 1, 0, 0, 60, 0))], ProtocolError, "range"),
    "a million microseconds": (MOMENT, [row(moment(2024, 1, 1, 0, 0, 0, 10**6))], ProtocolError,
                               "out of range"),
    "35 days of time": (TIME, [row(text(struct.pack("<BIBBB", 0, 35, 0, 0, 0)))], ProtocolError,
                        "out of range"),
    "a sign of 2": (TIME, [row(text(struct.pack("<BIBBB", 2, 0, 0, 0, 1)))], ProtocolError, "ran"),
    "a decimal of letters": (DECIMAL, [row(text(b"1e5"))], UnfitError, "an invalid decimal"),
    "a decimal of two points": (DECIMAL, [row(text(b"1.0.0"))], UnfitError, "an invalid decimal"),
    "a decimal without digits": (DECIMAL, [row(text(b"-"))], UnfitError, "an invalid decimal"),
    "a decimal that is too long": (DECIMAL, [row(text(b"12345678901.00"))], UnfitError,
                                   "does not fit"),
    "a decimal of a finer scale": (DECIMAL, [row(text(b"1.001"))], UnfitError, "does not fit"),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_row_is_an_error_that_says_where(case: str) -> None:
    column, bodies, kind, words = MALFORMED[case]
    with pytest.raises(kind, match=words) as caught:
        rows_of(Server(result([column], bodies)))
    assert "row 0" in str(caught.value)


def head(*bodies: bytes) -> bytes:
    return packets(bodies)


BEFORE_THE_ROWS = {
    "a request for a file": (head(b"\xfb/etc/passwd"), "a missing length"),
    "an answer of 0 columns and more": (head(b"\1\1"), "no result in response"),
    "an empty count": (head(b""), "before its last field"),
    "a definition that ends early": (head(b"\1", INT.packet()[:-3], EOF), "before its last field"),
    "a definition with a length beyond": (head(b"\1", b"\x7fabc", EOF), "before its last field"),
    "a definition of another form": (
        head(b"\1", INT.packet().replace(b"\x0c\x2d", b"\x0d\x2d"), EOF),
        "no column definition",
    ),
    "no end of the definitions": (head(b"\1", INT.packet(), ONE), "have no end marker"),
    "a packet that is not the next": (packet(3, b"\1"), "out of sequence"),
    "a definition of 16 MB": (head(b"\1") + b"\xff\xff\xff\2", "16,777,215 bytes before"),
    "an error without a code": (head(b"\xff\1"), "without a code"),
}


@pytest.mark.parametrize("case", BEFORE_THE_ROWS)
def test_what_comes_before_the_rows_is_held_to_its_form(case: str) -> None:
    answer, words = BEFORE_THE_ROWS[case]
    with pytest.raises(ProtocolError, match=words):
        rows_of(Server(answer))


@pytest.mark.parametrize("answer", [b"\xfe", b"\0\1\2", b""])
def test_an_answer_to_prepare_that_is_none(answer: bytes) -> None:
    with pytest.raises(ProtocolError, match="no response to PREPARE"):
        rows_of(Server(b"", prepare=packet(1, answer)))


def test_a_row_out_of_sequence_is_an_error() -> None:
    answer = result([INT], [ONE, ONE])
    behind = answer.rindex(packet(5, ONE))
    with pytest.raises(ProtocolError, match="out of sequence"):
        rows_of(Server(answer[: behind + 3] + b"\x09" + answer[behind + 4 :]))


def test_more_behind_the_end_is_an_error() -> None:
    answer = result([INT], [ONE])
    with pytest.raises(ProtocolError, match="data follows the end"):
        rows_of(Server(answer + packet(6, ONE)))
    with pytest.raises(ProtocolError, match="data follows the end"):
        rows_of(Server(result([INT], [ONE], end=b"\xfe\0\0\x0a\0")))


@pytest.mark.parametrize("cut", [1, 3, 4, 6, 20])
def test_a_connection_that_ends_in_the_middle_is_lost(cut: int) -> None:
    answer = result([INT], [ONE] * 3)
    with pytest.raises(pymysql.err.OperationalError, match="Lost connection") as caught:
        rows_of(Server(answer[:-cut]))
    assert caught.value.args[0] == 2013


def test_a_number_beyond_the_schema_s_type_is_an_error() -> None:
    small = pa.schema([pa.field("n", pa.int8())])
    assert rows_of(
        Server(result([INT], [row(b"\x7f\0\0\0"), row(b"\x80\xff\xff\xff")])), small
    ) == [
        (127,),
        (-128,),
    ]
    for value in (b"\x80\0\0\0", b"\x7f\xff\xff\xff"):
        with pytest.raises(UnfitError, match="column n, row 1"):
            rows_of(Server(result([INT], [ONE, row(value)])), small)
    tiny = pa.schema([pa.field("n", pa.decimal128(2, 0))])
    with pytest.raises(UnfitError, match="column n, row 0"):
        rows_of(Server(result([INT], [row(b"\x64\0\0\0")])), tiny)


def test_a_statement_is_refused_that_has_parameters_or_no_rows() -> None:
    marks = prepared(parameters=1) + packets([INT.packet(), EOF], first=2)
    with pytest.raises(ValueError, match="parameters"):
        rows_of(Server(b"", prepare=marks))
    with pytest.raises(ValueError, match="returns no rows"):
        rows_of(Server(packet(1, b"\0")))
    schema = pa.schema([("a", pa.int32()), ("b", pa.int32())])
    with pytest.raises(ValueError, match="1 columns were received for a schema of 2"):
        rows_of(Server(result([INT], [ONE])), schema)
    with pytest.raises(WrongTypeError, match="cannot be converted to date32"):
        rows_of(Server(result([INT], [ONE])), pa.schema([("a", pa.date32())]))

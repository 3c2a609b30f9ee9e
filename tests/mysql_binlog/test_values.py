"""A key of any type is what a query reads of it."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mysql_binlog import key_columns
from mysql_binlog.events.source import Reader
from mysql_binlog.rows.table_map import LoggedColumn, TableMap, Type, Width
from mysql_binlog.rows.walk import Images, Layout, rows_in_memory, stream_rows

if TYPE_CHECKING:
    from tests.mysql_binlog.conftest import Log

Make = Callable[[random.Random], str]


def integers(bits: int, *, unsigned: bool = False) -> Make:
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return lambda r: str(r.choice((low, high, 0, r.randint(low, high), r.randrange(100))))


def decimals(digits: int, scale: int) -> Make:
    def make(r: random.Random) -> str:
        number = r.choice((1, -1)) * r.randrange(10 ** r.randint(0, digits))
        return f"{number}e-{scale}"

    return make


def text(alphabet: str, most: int) -> Make:
    def make(r: random.Random) -> str:
        return f"_utf8mb4 X'{''.join(r.choices(alphabet, k=r.randrange(most + 1))).encode().hex()}'"

    return make


def data(most: int) -> Make:
    return lambda r: f"X'{r.choice((r.randbytes(r.randrange(most + 1)), bytes(most), b'a')).hex()}'"


def days(r: random.Random) -> str:
    year = r.choice((0, 1, 1970, 2024, 9999, r.randrange(10_000)))
    return f"'{year:04}-{r.randrange(13):02}-{r.randrange(32):02}'"


def moments(digits: int) -> Make:
    def make(r: random.Random) -> str:
        clock = f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}"
        return f"{days(r)[:-1]} {clock}.{r.randrange(10**6):06}'"

    return make


def stamps(r: random.Random) -> str:
    return (
        f"FROM_UNIXTIME({r.choice((1, 2**31 - 1, r.randrange(1, 2**31)))}.{r.randrange(10**6):06})"
    )


def times(r: random.Random) -> str:
    clock = f"{r.choice((0, 837, r.randrange(838)))}:{r.randrange(60):02}:{r.randrange(60):02}"
    return f"'{r.choice('- ')}{clock}.{r.randrange(10**6):06}'"


WORDS = "aZ '\"\\é한😀\0\t"
#: A type, and SQL of a value of it; "mariadb ": of MariaDB alone.
TYPES: tuple[tuple[str, Make], ...] = (
    *((f"{name}{sign}", integers(bits, unsigned=bool(sign)))
      for name, bits in (("TINYINT", 8), ("SMALLINT", 16), ("MEDIUMINT", 24), ("INT", 32),
                         ("BIGINT", 64))
      for sign in ("", " UNSIGNED")),
    *((f"DECIMAL({digits},{scale})", decimals(digits, scale))
      for digits, scale in ((1, 0), (5, 2), (9, 9), (10, 0), (18, 9), (38, 7), (65, 30))),
    ("DOUBLE", lambda r: repr(r.uniform(-1e9, 1e9))),
    *((f"BIT({bits})", integers(bits, unsigned=True)) for bits in (1, 8, 17, 64)),
    ("YEAR", lambda r: str(r.choice((0, 1901, 2155, 2000)))),
    ("DATE", days),
    *((f"DATETIME({digits})", moments(digits)) for digits in range(7)),
    *((f"TIMESTAMP({digits}) NULL", stamps) for digits in (0, 1, 3, 6)),
    *((f"TIME({digits})", times) for digits in range(7)),
    ("CHAR(5)", text(WORDS, 5)),
    ("CHAR(200)", text(WORDS, 200)),
    ("VARCHAR(40)", text(WORDS, 40)),
    ("VARCHAR(300)", text(WORDS, 300)),
    *((f"VARCHAR(20) CHARACTER SET {name}", text("aé€ÿ Z", 20))
      for name in ("latin1", "utf8mb3", "ucs2", "utf16", "utf16le", "utf32", "cp1250", "cp1257")),
    ("CHAR(9) CHARACTER SET koi8r", text("aЖя", 9)),
    ("VARCHAR(9) CHARACTER SET gbk", text("a中文", 9)),
    ("VARCHAR(9) CHARACTER SET sjis", text("aあ\\ｱ", 9)),
    ("BINARY(4)", data(4)),
    ("BINARY(255)", data(4)),
    ("VARBINARY(300)", data(300)),
    ("TINYTEXT", text(WORDS, 9)),
    ("BLOB", data(500)),
    ("ENUM('a','é''s','b,c','')", lambda r: r.choice(("'a'", "'é''s'", "'b,c'", "''"))),
    ("SET('a','é''s','c')", lambda r: r.choice(("''", "'a'", "'a,é''s'", "'c'"))),
    (f"ENUM({','.join(repr(str(n)) for n in range(300))})", lambda r: f"'{r.randrange(300)}'"),
    (f"SET({','.join(repr(str(n)) for n in range(64))})", lambda r: f"'{r.randrange(64)},63'"),
    ("mariadb UUID", lambda r: f"'{random.Random(r.random()).randrange(2**128):032x}'"),
    ("mariadb INET6", lambda r: r.choice(("'::1'", "'2001:db8::ff00:42'", "'::ffff:1.2.3.4'"))),
    ("mariadb INET4", lambda r: f"'{r.randrange(256)}.0.2.0'"),
)  # fmt: skip


@pytest.mark.fault(179)
def test_keys_of_every_type_are_what_a_query_reads(log: Log) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    types = [(sql.removeprefix("mariadb "), make) for sql, make in TYPES
             if not (log.is_mysql and sql.startswith("mariadb "))]  # fmt: skip
    columns = ", ".join(f"c{n} {sql}" for n, (sql, _) in enumerate(types))
    if not log.is_mysql:  # passed over
        columns = f"z VARCHAR(90) COMPRESSED DEFAULT REPEAT('z', 80), y TEXT COMPRESSED, {columns}"
    log.sql("DROP TABLE IF EXISTS kinds", f"CREATE TABLE kinds (id INT PRIMARY KEY, {columns})")
    names = ["id", *(f"c{n}" for n in range(len(types)))]
    into, since = ", ".join(names), log.end()
    with log.session("sql_mode = 'ALLOW_INVALID_DATES'") as cursor:
        for row in range(150):
            values = ", ".join(
                "NULL" if chance.random() < 0.1 else make(chance) for _, make in types
            )
            cursor.execute(f"INSERT IGNORE INTO kinds ({into}) VALUES ({row}, {values})")
    rows = log.sql(f"SELECT {into} FROM kinds ORDER BY id")
    with closing(log.connect()) as connection:
        key = key_columns(connection, (log.database, "kinds"), names)
    table = (log.database, "kinds")
    (batch,) = log.batches(since, {table: key})
    found = sorted(batch.keys[table])
    for n, (sql, _) in enumerate(types, 1):
        read, told = [row[n] for row in found], [row[n] for row in rows]
        assert read == told, sql
        assert list(map(type, read)) == list(map(type, told)), sql
    log.sql("DROP TABLE kinds")


# -- rows in memory and in a stream


@st.composite
def _tables(draw: st.DrawFn) -> tuple[Layout, list[list[bytes | None]], bytes]:
    """A table, values of its rows, and its rows as they are logged."""
    kinds = st.one_of(
        st.integers(1, 9).map(lambda size: Width(size)),
        st.sampled_from([Width(0, n) for n in (1, 2, 3, 4)]),
    )
    widths = draw(st.lists(kinds, min_size=1, max_size=20))
    places = draw(st.permutations(range(len(widths))))[: draw(st.integers(1, 4))]
    codes = [{1: "B", 2: "H", 4: "I", 8: "Q"}.get(widths[p].fixed, "") for p in places]
    decoders = [(lambda data: int.from_bytes(data, "little")) if code else bytes for code in codes]
    layout = Layout("t", tuple(widths), tuple(places), tuple(decoders), tuple(codes), ())
    rows, logged = [], b""
    for _ in range(draw(st.integers(0, 5))):
        row = [
            draw(st.none() | st.binary(min_size=w.fixed, max_size=w.fixed or 255)) for w in widths
        ]
        nulls = sum(1 << n for n, value in enumerate(row) if value is None)
        logged += nulls.to_bytes((len(widths) + 7) // 8, "little")
        for value, width in zip(row, widths, strict=True):
            if value is not None:
                logged += len(value).to_bytes(width.prefix, "little") if width.prefix else b""
                logged += value
        rows.append(row)
    return layout, rows, logged


@given(_tables())
def test_rows_are_walked_alike_in_memory_and_in_a_stream(
    made: tuple[Layout, list[list[bytes | None]], bytes],
) -> None:
    layout, rows, logged = made
    expected = [
        tuple(
            None if (value := row[place]) is None else decode(value)
            for place, decode in zip(layout.places, layout.decoders, strict=True)
        )
        for row in rows
    ]
    present = b"\xff" * 3
    assert list(rows_in_memory(logged, 0, [Images(layout, present)])) == expected
    streamed = stream_rows(Reader.of(logged), [Images(layout, present)], partial=False)
    assert list(streamed) == expected


def test_what_did_not_change_is_taken_from_the_image_before() -> None:
    columns = (LoggedColumn(Type.LONG), LoggedColumn(Type.TINY), LoggedColumn(Type.LONG))
    logged = TableMap("s", "t", columns)
    numbers = [lambda data: int.from_bytes(data, "little")] * 2
    layout = Layout.of(logged, (0, 2), numbers, ("I", "I"))
    before, after = Images(layout, b"\x05"), Images(layout, b"\x06")
    row = b"\0" + struct.pack("<II", 7, 8) + b"\0" + struct.pack("<BI", 1, 9)
    assert list(rows_in_memory(row, 0, [before, after])) == [(7, 8), (7, 9)]
    assert list(stream_rows(Reader.of(row), [before, after], partial=False)) == [(7, 8), (7, 9)]

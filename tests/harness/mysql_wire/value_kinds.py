"""A column of every kind, its random values, and how PyMySQL reads them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pymysql
from tidemark_sandbox.world import Sandbox

#: Where tables of these kinds are made.
DATABASE = "mysql_arrow_test"
Make = Callable[[random.Random], str]


@dataclass(frozen=True)
class Kind:
    """A type of column.

    Attributes:
        sql: Its declaration.
        make: SQL of a random value.
        asked: What PyMySQL is asked of the column; our own answer may be more exact than its text.
        shown: Our value in the form of PyMySQL's.
        only: The server that has it; empty: both.
    """

    sql: str
    make: Make
    asked: str = "{}"
    shown: Callable[[Any], Any] = lambda value: value
    only: str = ""


def integers(bits: int, *, unsigned: bool = False) -> Make:
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return lambda r: str(r.choice((low, high, 0, r.randint(low, high), r.randrange(100))))


def decimals(digits: int, scale: int) -> Make:
    def make(r: random.Random) -> str:
        number = r.randint(0, 10 ** r.randint(0, digits) - 1) * r.choice((1, -1))
        return f"{Decimal(f'{number}e-{scale}'):f}"

    return make


def characters(most: int) -> Make:
    alphabet = "aZ0 \t\n\0'\"\\é한😀\u0301\ufffd?"
    return lambda r: _hex("".join(r.choices(alphabet, k=r.randrange(most + 1))), "utf-8")


def _hex(value: str, encoding: str) -> str:
    return f"_utf8mb4 X'{value.encode(encoding).hex()}'"


def latin(r: random.Random) -> str:
    return _hex("".join(r.choices("aé ÿ€", k=r.randrange(9))), "utf-8")


def data(most: int) -> Make:
    return lambda r: f"X'{r.randbytes(r.choice((0, r.randrange(most + 1)))).hex()}'"


def days(r: random.Random) -> str:
    year = r.choice((0, 1, 1970, 2024, 9999, r.randrange(10_000)))
    return f"'{year:04}-{r.randrange(13):02}-{r.randrange(32):02}'"


def moments(digits: int) -> Make:
    def make(r: random.Random) -> str:
        fraction = f".{r.randrange(10**digits):0{digits}}" if digits else ""
        clock = f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}{fraction}"
        return f"{days(r)[:-1]} {r.choice((clock, '00:00:00'))}'"

    return make


def times(digits: int) -> Make:
    def make(r: random.Random) -> str:
        fraction = f".{r.randrange(10**digits):0{digits}}" if digits else ""
        hours = r.choice((0, 838, r.randrange(839)))
        return (
            f"'{r.choice(('', '-'))}{hours:03}:{r.randrange(60):02}:{r.randrange(59):02}{fraction}'"
        )

    return make


def floats(r: random.Random) -> str:
    return repr(r.choice((r.uniform(-1, 1), 0.1, -0.0)) * 10.0 ** r.randrange(-30, 30))


def bits(value: Any) -> Any:
    """A BIT(17) as PyMySQL reads it."""
    return None if value is None else int(value).to_bytes(3)


def bit(value: Any) -> Any:
    return None if value is None else int(value).to_bytes(1)


def day(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else str(value)


def moment(value: datetime | None) -> str | None:
    """With four digits of the year and six of the fraction."""
    return None if value is None else value.isoformat(sep=" ", timespec="microseconds")


def number(value: Any) -> Any:
    """0 and -0 are one to MySQL's text."""
    return value if value is None else value + 0.0


AS_TEXT = "CAST({0} AS CHAR)"
CLOCK = "DATE_FORMAT({0}, '%Y-%m-%d %H:%i:%s.%f')"


def good(asked: str) -> str:
    """NULL for a day that no calendar has."""
    last = "LAST_DAY(CONCAT(YEAR({0}), '-', MONTH({0}), '-01'))"
    bad = "YEAR({0}) = 0 OR MONTH({0}) = 0 OR DAYOFMONTH({0}) = 0 OR DAYOFMONTH({0}) > "
    return f"IF({bad}DAYOFMONTH({last}), NULL, {asked})"


SHAPES = {
    "GEOMETRY": "POINT({0} 1)",
    "POINT": "POINT({0} 1)",
    "LINESTRING": "LINESTRING({0} 1, 2 3)",
    "POLYGON": "POLYGON((0 0, {0} 0, 0 12, 0 0))",
    "MULTIPOINT": "MULTIPOINT({0} 1, 2 3)",
    "MULTILINESTRING": "MULTILINESTRING(({0} 1, 2 3), (4 5, 6 7))",
    "MULTIPOLYGON": "MULTIPOLYGON(((0 0, {0} 0, 0 12, 0 0)))",
    "GEOMETRYCOLLECTION": "GEOMETRYCOLLECTION(POINT({0} 1))",
}


def shape(text: str) -> Make:
    return lambda r: f"ST_GeomFromText('{text.format(r.randrange(1, 99))}')"


KINDS = (
    Kind("TINYINT", integers(8)),
    Kind("TINYINT(1)", integers(8)),
    Kind("TINYINT UNSIGNED", integers(8, unsigned=True)),
    Kind("SMALLINT", integers(16)),
    Kind("SMALLINT UNSIGNED ZEROFILL", integers(16, unsigned=True)),
    Kind("MEDIUMINT", integers(24)),
    Kind("MEDIUMINT UNSIGNED", integers(24, unsigned=True)),
    Kind("INT", integers(32)),
    Kind("INT UNSIGNED", integers(32, unsigned=True)),
    Kind("BIGINT", integers(64)),
    Kind("BIGINT UNSIGNED", integers(64, unsigned=True)),
    Kind("YEAR", lambda r: str(r.choice((0, 1901, 2155, r.randint(1901, 2155))))),
    Kind("BIT(1)", integers(1, unsigned=True), shown=bit),
    Kind("BIT(17)", integers(17, unsigned=True), shown=bits),
    Kind("DECIMAL(5,2)", decimals(5, 2)),
    Kind("DECIMAL(18,18)", decimals(18, 18)),
    Kind("DECIMAL(38,30)", decimals(38, 30)),
    Kind("DECIMAL(38,0) UNSIGNED", lambda r: decimals(38, 0)(r).lstrip("-")),
    Kind("DECIMAL(65,30)", decimals(65, 30), AS_TEXT),
    Kind("FLOAT", floats, "{} + 0e0", number),
    Kind("DOUBLE", floats, shown=number),
    Kind("DATE", days, good(AS_TEXT), day),
    Kind("DATETIME", moments(0), good(CLOCK), moment),
    Kind("DATETIME(3)", moments(3), good(CLOCK), moment),
    Kind("DATETIME(6)", moments(6), good(CLOCK), moment),
    Kind("TIMESTAMP(6) NULL",
         lambda r: f"FROM_UNIXTIME({r.randrange(1, 2**31 - 1)}.{r.randrange(10**6):06})", CLOCK,
         moment),
    Kind("TIME", times(0), AS_TEXT),
    Kind("TIME(3)", times(3), AS_TEXT),
    Kind("TIME(6)", times(6), AS_TEXT),
    Kind("CHAR(5)", characters(5)),
    Kind("VARCHAR(40)", characters(40)),
    Kind("VARCHAR(9) CHARACTER SET latin1", latin),
    Kind("VARCHAR(9) CHARACTER SET utf16", latin),
    Kind("VARCHAR(9) CHARACTER SET utf8mb3", latin),
    Kind("TINYTEXT", characters(20)),
    Kind("TEXT", characters(300)),
    Kind("LONGTEXT", characters(300)),
    Kind("MEDIUMTEXT", lambda r: f"REPEAT({characters(9)(r)}, {r.choice((1, 30, 9000))})"),
    Kind("ENUM('a','é','')", lambda r: r.choice(("'a'", "'é'", "''", "0"))),
    Kind("SET('a','b')", lambda r: r.choice(("'a,b'", "''", "'b'"))),
    Kind("JSON", lambda r: r.choice(("'null'", "'{\"é\": [1.0, 12345678901234567890]}'", "'[]'"))),
    Kind("BINARY(4)", data(4)),
    Kind("VARBINARY(300)", data(300)),
    Kind("BLOB", data(2000)),
    Kind("TINYBLOB", data(255)),
    Kind("MEDIUMBLOB", data(500)),
    Kind("LONGBLOB", data(500)),
    *(Kind(name, shape(text)) for name, text in SHAPES.items()),
    Kind("INET4", lambda r: f"'10.0.{r.randrange(256)}.{r.randrange(256)}'", AS_TEXT,
         only="mariadb"),
    Kind("UUID", lambda r: f"'{r.randrange(2**128):032x}'", AS_TEXT, only="mariadb"),
    Kind("INET6", lambda r: f"'::{r.randrange(2**16):x}'", AS_TEXT, only="mariadb"),
)  # fmt: skip


def kinds_of(sandbox: Sandbox) -> list[Kind]:
    return [kind for kind in KINDS if kind.only in ("", sandbox.config.server)]


def fill(
    connection: pymysql.Connection[Any], kinds: list[Kind], rows: int, chance: random.Random
) -> None:
    """A table ``t`` of random values, one in nine of them NULL."""
    columns = ", ".join(f"c{number} {kind.sql}" for number, kind in enumerate(kinds))
    with connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
        cursor.execute("DROP TABLE IF EXISTS t")
        cursor.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {columns})")
        for start in range(0, rows, 200):
            values = ", ".join(
                f"({n}, {', '.join(_value(kind, chance) for kind in kinds)})"
                for n in range(start, min(start + 200, rows))
            )
            cursor.execute(f"INSERT IGNORE INTO t VALUES {values}")
    connection.commit()


def _value(kind: Kind, chance: random.Random) -> str:
    return "NULL" if chance.random() < 1 / 9 else kind.make(chance)

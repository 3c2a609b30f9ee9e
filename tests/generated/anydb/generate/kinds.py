"""Column types with their parameters, and SQL literals of their values."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from anydb.generate import quoting
from anydb.generate.charsets import charsets
from anydb.generate.model import Server

Literals = st.SearchStrategy[str]


@dataclass(frozen=True)
class Kind:
    """A type with its parameters.

    Attributes:
        declaration: As CREATE TABLE writes it.
        literals: Its values, as SQL.
        key: What follows its name in an index; None: it cannot be in one.
        growth: ``number`` or ``time``, where a replication key may be made of it.
        default: Whether it may have a DEFAULT on both servers.
    """

    declaration: str
    literals: Literals
    key: str | None = ""
    growth: str | None = None
    default: bool = True


_INTEGERS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INT": 32, "BIGINT": 64}


@st.composite
def integers(draw: st.DrawFn) -> Kind:
    """Integers of each size, signed and not, with a display width now and then."""
    name = draw(st.sampled_from(sorted(_INTEGERS)))
    bits = _INTEGERS[name]
    suffix = draw(st.sampled_from(("", "", "", " UNSIGNED", " UNSIGNED ZEROFILL")))
    low, high = (0, 2**bits - 1) if suffix else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    width = draw(st.sampled_from(("", "", "", "(1)", "(4)", "(30)")))
    edges = sorted({low, low + 1, max(low, -1), 0, 1, 2, high - 1, high})
    values = st.integers(low, high) | st.sampled_from(edges) | st.integers(1, 50)
    return Kind(f"{name}{width}{suffix}", values.map(str), growth="number")


@st.composite
def decimals(draw: st.DrawFn, server: Server) -> Kind:
    precision = draw(st.sampled_from((1, 5, 9, 10, 18, 19, 28, 29, 37, 38, 39, 65)))
    most = min(precision, 38 if server == "mariadb" else 30)
    scale = draw(st.sampled_from((0, 0, 1, 2, most)) | st.integers(0, most))
    scale = min(scale, most)
    top = 10**precision - 1
    suffix = draw(st.sampled_from(("", "", "", " UNSIGNED", " ZEROFILL")))
    low = 0 if suffix else -top
    numbers = st.integers(low, top) | st.sampled_from(sorted({low, 0, 1, min(10, top), top}))
    values = (numbers | st.integers(1, min(99, top))).map(lambda n: _point(n, scale))
    return Kind(f"DECIMAL({precision},{scale}){suffix}", values, growth=None if scale else "number")


def _point(number: int, scale: int) -> str:
    digits = str(abs(number)).rjust(scale + 1, "0")
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    return ("-" if number < 0 else "") + whole + (f".{fraction}" if scale else "")


@st.composite
def floats(draw: st.DrawFn) -> Kind:
    name = draw(st.sampled_from(("FLOAT", "DOUBLE", "REAL", "FLOAT(7,4)", "DOUBLE(12,3)",
                                 "FLOAT UNSIGNED", "FLOAT(30)")))  # fmt: skip
    width: Literal[32, 64] = 32 if name.startswith("FLOAT") and name != "FLOAT(30)" else 64
    ordinary = st.sampled_from((0.0, -0.0, 0.1, 1.5, -2.25, 1e-7, 123456.789, 1 / 3))
    edges = st.sampled_from((1e-45, 1.17549435e-38, 3.4028234e38, -3.4028234e38, 16777217.0))
    if width == 64:
        edges |= st.sampled_from((5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e22))
    numbers = ordinary | st.floats(width=width, allow_nan=False, allow_infinity=False) | edges
    return Kind(name, numbers.map(repr))


@st.composite
def bits(draw: st.DrawFn) -> Kind:
    size = draw(st.sampled_from((1, 2, 8, 9, 33, 63, 64)))
    values = st.integers(0, 2**size - 1) | st.sampled_from((0, 1, 2**size - 1))
    return Kind(f"BIT({size})", values.map(lambda n: f"b'{n:b}'"), growth="number")


@st.composite
def texts(draw: st.DrawFn, server: Server) -> Kind:
    """CHAR, VARCHAR and the TEXTs in any character set."""
    charset = draw(charsets(server))
    name = draw(st.sampled_from(("VARCHAR", "VARCHAR", "CHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT",
                                 "LONGTEXT")))  # fmt: skip
    size = draw(st.sampled_from((1, 3, 10, 40, 255))) if name.endswith("CHAR") else 200
    collation = draw(st.sampled_from(charset.collations))
    attributes = f" CHARACTER SET {charset.name} COLLATE {collation}"
    if charset.name == "binary":
        attributes = " CHARACTER SET binary"
    if not name.endswith("CHAR"):
        return Kind(f"{name}{attributes}", charset.texts(40), "(20)", default=False)
    key = "" if size * charset.width <= 700 else "(30)"
    if size > 3 and draw(st.integers(0, 11)) == 0:
        key = "(2)"
    return Kind(f"{name}({size}){attributes}", charset.texts(size), key)


@st.composite
def members(draw: st.DrawFn, server: Server) -> Kind:
    """ENUM and SET, whose members hold quotes and, an ENUM's, commas."""
    charset = draw(charsets(server))
    several = draw(st.booleans())
    pool = ["a", "B", "x y", "it's", '"', "`", "\\", "0", "1", "NULL", *charset.letters[:2]]
    pool += [] if several else ["", "a,b"]
    chosen = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=6, unique_by=str.lower))
    listed = ", ".join("'" + m.replace("\\", "\\\\").replace("'", "''") + "'" for m in chosen)
    name = "SET" if several else "ENUM"
    collation = f" CHARACTER SET {charset.name}" if charset.name != "binary" else ""
    numbers = st.integers(0, 2 ** len(chosen) - 1 if several else len(chosen))
    return Kind(f"{name}({listed}){collation}", numbers.map(str))


@st.composite
def binaries(draw: st.DrawFn) -> Kind:
    name = draw(st.sampled_from(("BINARY", "VARBINARY", "VARBINARY", "TINYBLOB", "BLOB",
                                 "MEDIUMBLOB", "LONGBLOB")))  # fmt: skip
    sized = name.endswith("BINARY")
    size = draw(st.sampled_from((1, 3, 16, 255))) if sized else 100
    edges = [v for v in (b"", b"\0", b"\0\0", b"\xff", b"a", b"a\0", b"@NULL@") if len(v) <= size]
    values = st.sampled_from(edges) | st.binary(max_size=min(size, 20))
    declared = f"{name}({size})" if sized else name
    return Kind(declared, values.map(quoting.octets), "" if sized else "(50)", default=sized)


_DATES = ("2024-02-29", "2024-01-01", "1999-12-31", "1970-01-01", "1900-03-01", "1582-10-10",
          "0001-01-01", "9999-12-31", "2038-01-20")  # fmt: skip
_ZERO_DATES = ("0000-00-00", "2022-00-00", "2022-11-00", "0000-01-01", "2022-02-30")
_DAYS = st.dates().map(str)
_CLOCK = st.sampled_from(("00:00:00", "23:59:59", "12:34:56")) | st.times().map(
    lambda value: value.isoformat()
)


def _quoted(value: str) -> str:
    return f"'{value}'"


@st.composite
def moments(draw: st.DrawFn, *, zero: bool) -> Kind:
    """DATE, DATETIME(0…6) and TIMESTAMP(0…6).

    Args:
        draw: Of Hypothesis.
        zero: Whether dates are tried that no calendar has.
    """
    name = draw(st.sampled_from(("DATE", "DATETIME", "DATETIME", "TIMESTAMP")))
    digits = draw(st.sampled_from((0, 0, 1, 3, 6)))
    days = st.sampled_from(_DATES) | _DAYS
    if name == "TIMESTAMP":
        days = st.sampled_from(("1970-01-02", "2024-03-10", "2024-11-03", "2038-01-18"))
    if zero:
        days |= st.sampled_from(_ZERO_DATES)
    if name == "DATE":
        return Kind("DATE", days.map(_quoted), growth="time")
    values = st.builds("{} {}".format, days, _CLOCK)
    if zero:
        values |= st.just("0000-00-00 00:00:00")
    suffix = f"({digits})" if digits else ""
    return Kind(f"{name}{suffix}", values.map(_quoted), growth="time")


@st.composite
def clocks(draw: st.DrawFn) -> Kind:
    """TIME(0…6) and YEAR."""
    if draw(st.booleans()):
        return Kind("YEAR", st.sampled_from(("0", "1901", "2024", "2155")), growth="number")
    digits = draw(st.sampled_from((0, 1, 3, 6)))
    edges = ("-838:59:59", "838:59:59", "00:00:00", "-00:00:01", "24:00:00", "-00:00:00.000001")
    values = st.sampled_from(edges) | _CLOCK
    return Kind(f"TIME({digits})", values.map(_quoted))


_JSON = ('{}', '[]', 'null', '"a"', '{"a": 1, "b": [1, 2.50, null]}', '{"b":1,"a":2,"b":3}',
         '12345678901234567890123', '1e400', '"\\u0000"', '"é한😀"', ' [ 1 , 2 ] ', '{"": ""}',
         '1.0', '-0', '"\\ud800"', '{"k": "@NULL@"}')  # fmt: skip


@st.composite
def others(draw: st.DrawFn, server: Server) -> Kind:
    """JSON, geometry, and what only one of the servers has."""
    own = ("UUID", "INET4", "INET6") if server == "mariadb" else ("VECTOR(2)",)
    name = draw(st.sampled_from(("JSON", "JSON", "BOOLEAN", "POINT", "GEOMETRY", *own)))
    if name == "JSON":
        return Kind(name, st.sampled_from(_JSON).map(quoting.text), None, default=False)
    if name == "BOOLEAN":
        return Kind(name, st.sampled_from(("TRUE", "FALSE", "2", "-128")))
    if name in ("POINT", "GEOMETRY"):
        shapes = ["POINT(1 2)", "POINT(-1.5 1e10)"]
        if name == "GEOMETRY":
            shapes += ["LINESTRING(0 0,1 1)", "POLYGON((0 0,1 0,1 1,0 0))"]
        return Kind(
            name, st.sampled_from(shapes).map(lambda s: f"ST_GeomFromText('{s}')"), None,
            default=False,
        )  # fmt: skip
    if name == "UUID":
        return Kind(name, st.uuids().map(lambda value: f"'{value}'"))
    if name == "INET4":
        return Kind(name, st.ip_addresses(v=4).map(lambda value: f"'{value}'"))
    if name == "INET6":
        return Kind(name, st.ip_addresses(v=6).map(lambda value: f"'{value}'"))
    numbers = st.binary(min_size=8, max_size=8).filter(lambda b: _finite(b))
    return Kind(name, numbers.map(quoting.octets), None, default=False)


def _finite(packed: bytes) -> bool:
    return all(number == number and abs(number) < 1e38 for number in struct.unpack("<2f", packed))


def kinds(server: Server, *, zero: bool) -> st.SearchStrategy[Kind]:
    """Any column type."""
    return st.one_of(
        integers(), texts(server), moments(zero=zero), decimals(server), binaries(), floats(),
        members(server), clocks(), bits(), others(server), texts(server), integers(),
    )  # fmt: skip


def growing(server: Server, *, zero: bool) -> st.SearchStrategy[Kind]:
    """Types that a replication key may have, times most of all."""
    return st.one_of(
        moments(zero=zero), moments(zero=zero), integers(),
        st.one_of(decimals(server), bits(), clocks()).filter(lambda kind: kind.growth is not None),
    )  # fmt: skip

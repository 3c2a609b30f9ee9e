"""The one type map: MySQL → Redshift.

`docs/types.md` says the same in words. Every value type that moves through Tidemark is a
`ColumnType`. Its form in a Singer schema is in `tidemark_core.types.singer_schema`, that in Arrow
and Parquet, both ways, in `tidemark_core.types.arrow`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidemark_core.errors import ConfigError

#: https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
MAX_VARCHAR_BYTES = 65_535
#: https://docs.aws.amazon.com/redshift/latest/dg/r_VARBYTE_type.html
MAX_VARBYTE_BYTES = 1_024_000
#: https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html
MAX_PRECISION, MAX_SCALE = 38, 37
#: A MySQL character is at most four bytes of UTF-8.
BYTES_PER_CHARACTER = 4
#: '-838:59:59.000000'
_TIME_CHARACTERS = 17
#: Size of each kind of integer.
INTEGER_BYTES = {"int8": 1, "int16": 2, "int32": 4, "int64": 8}
_SIMPLE = frozenset({*INTEGER_BYTES, "float32", "float64", "date", "boolean", "json"})
_GRAMMAR = re.compile(r"(?P<kind>[a-z0-9]+)(?:\((?P<first>\d{1,9})(?:,(?P<second>\d{1,2}))?\))?")


@dataclass(frozen=True)
class ColumnType:
    """The type of a column.

    Attributes:
        kind: ``int8`` … ``int64``, ``decimal``, ``float32``, ``float64``, ``string``, ``binary``,
            ``date``, ``timestamp`` (UTC, microseconds), ``boolean`` or ``json`` (text).
        length: Of ``string`` in characters, of ``binary`` in bytes; None: unbounded.
        precision: Digits of a ``decimal``; fractional digits of a ``timestamp`` (0 to 6).
        scale: Digits of a ``decimal`` after the point.
    """

    kind: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None

    def __str__(self) -> str:
        if self.kind == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.kind == "timestamp":
            return f"timestamp({self.precision})"
        return f"{self.kind}({self.length})" if self.length is not None else self.kind

    @classmethod
    def parse(cls, text: str) -> ColumnType:
        """Reads what `__str__` writes.

        Raises:
            ConfigError: ``text`` is not a type of this map.
        """
        match = _GRAMMAR.fullmatch(text)
        if match:
            kind = match["kind"]
            first = None if match["first"] is None else int(match["first"])
            second = None if match["second"] is None else int(match["second"])
            if kind == "decimal" and first is not None and second is not None:
                if 1 <= first <= MAX_PRECISION and second <= min(first, MAX_SCALE):
                    return cls(kind, precision=first, scale=second)
            elif second is None:
                if kind == "timestamp" and first is not None and first <= 6:
                    return cls(kind, precision=first)
                if kind in ("string", "binary"):
                    return cls(kind, length=first)
                if kind in _SIMPLE and first is None:
                    return cls(kind)
        raise ConfigError(f"{text!r} is not a column type known to Tidemark")


TEXT = ColumnType("string")
TIMESTAMP = ColumnType("timestamp", precision=6)


def decimal(precision: int, scale: int) -> ColumnType:
    """An exact decimal; text where Arrow and Redshift cannot hold it (precision 38, scale 37)."""
    if precision > MAX_PRECISION or scale > MAX_SCALE:
        # sign, point and a leading zero besides the digits
        return ColumnType("string", length=precision + 3)
    return ColumnType("decimal", precision=precision, scale=scale)


@dataclass(frozen=True)
class MySQLColumn:
    """What ``information_schema.columns`` says of a column.

    Attributes:
        data_type: DATA_TYPE, such as ``int``.
        column_type: COLUMN_TYPE, such as ``int(10) unsigned``.
        length: CHARACTER_MAXIMUM_LENGTH (characters; bytes for binary types).
        precision: NUMERIC_PRECISION.
        scale: NUMERIC_SCALE.
        datetime_precision: DATETIME_PRECISION.
    """

    data_type: str
    column_type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    datetime_precision: int | None = None


_MYSQL_INTEGERS = {
    # MySQL manual, 13.1.2 Integer Types: signed, unsigned
    "tinyint": ("int8", "int16"),
    "smallint": ("int16", "int32"),
    "mediumint": ("int32", "int32"),
    "int": ("int32", "int64"),
    "bigint": ("int64", None),
}
_MYSQL_TEXT = frozenset({"tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_MYSQL_SHORT_TEXT = {"uuid": 36, "inet4": 15, "inet6": 39, "time": _TIME_CHARACTERS}
_MYSQL_GEOMETRY = frozenset(
    {
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
    }
)
_MYSQL_SIMPLE = {
    "float": ColumnType("float32"),
    "double": ColumnType("float64"),
    "json": ColumnType("json"),
    "date": ColumnType("date"),
    "year": ColumnType("int16"),
    "tinyblob": ColumnType("binary", length=255),
    "blob": ColumnType("binary", length=65_535),
    "mediumblob": ColumnType("binary"),
    "longblob": ColumnType("binary"),
}


def from_mysql(column: MySQLColumn) -> ColumnType:
    """Maps a MySQL column to its type.

    Raises:
        ConfigError: The data type is unknown.
    """
    name = column.data_type.lower()
    if name in _MYSQL_INTEGERS:
        signed, unsigned = _MYSQL_INTEGERS[name]
        if "unsigned" not in column.column_type.lower():
            return ColumnType(signed)
        return ColumnType(unsigned) if unsigned else decimal(20, 0)
    if name == "bit":
        return ColumnType("int8") if column.precision == 1 else decimal(20, 0)
    if name in ("decimal", "numeric"):
        return decimal(column.precision or 10, column.scale or 0)
    if name in ("datetime", "timestamp"):
        return ColumnType("timestamp", precision=column.datetime_precision or 0)
    if name in ("char", "varchar"):
        return ColumnType("string", length=column.length)
    if name in ("binary", "varbinary"):
        return ColumnType("binary", length=column.length)
    if name in _MYSQL_TEXT:
        return TEXT
    if name in _MYSQL_SHORT_TEXT:
        return ColumnType("string", length=_MYSQL_SHORT_TEXT[name])
    if name in _MYSQL_GEOMETRY:
        return ColumnType("binary")
    if name in _MYSQL_SIMPLE:
        return _MYSQL_SIMPLE[name]
    raise ConfigError(f"the MySQL type {column.column_type!r} is not known to Tidemark")


_REDSHIFT = {
    "int8": "SMALLINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float32": "REAL",
    "float64": "DOUBLE PRECISION",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "json": f"VARCHAR({MAX_VARCHAR_BYTES})",
}


def varchar_bytes(column: ColumnType) -> int:
    """Bytes that a ``string`` may take in Redshift: four per character, at most 65,535."""
    if column.length is None:
        return MAX_VARCHAR_BYTES
    return max(1, min(column.length * BYTES_PER_CHARACTER, MAX_VARCHAR_BYTES))


def to_redshift(column: ColumnType) -> str:
    """The Redshift type, as DDL writes it."""
    if column.kind == "decimal":
        return f"NUMERIC({column.precision},{column.scale})"
    if column.kind == "string":
        return f"VARCHAR({varchar_bytes(column)})"
    if column.kind == "binary":
        length = MAX_VARBYTE_BYTES if column.length is None else column.length
        return f"VARBYTE({max(1, min(length, MAX_VARBYTE_BYTES))})"
    return _REDSHIFT[column.kind]

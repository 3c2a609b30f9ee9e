"""Ten kinds of bad table, to stand between good ones: each must stop itself alone.

They are described once for every leg: as statements for MySQL, and as types and rows for those who
feed a plugin.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

#: 43 characters of three bytes: MySQL takes 64 characters, Redshift 127 bytes.
LONG_NAME = "가" * 43


@dataclass(frozen=True)
class BadTable:
    """A table that some leg must refuse.

    Attributes:
        name: Its name; that of a table in MySQL, too.
        columns: Types of the columns (`tidemark_core.types.ColumnType`), the key first.
        rows: Its rows, as the lake would hold them.
        leg: The leg that refuses it, ``backup`` or ``load``.
        says: What the error says, a regular expression.
        mysql: Statements that make it in MySQL.
        conversions: Values that the tap changed, by column and reason.
    """

    name: str
    columns: Mapping[str, str]
    rows: tuple[tuple[Any, ...], ...]
    leg: str
    says: str
    mysql: tuple[str, ...]
    conversions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return next(iter(self.columns))

    def records(self) -> list[dict[str, Any]]:
        """Its rows as RECORD messages hold them."""
        return [
            {name: _json(value) for name, value in zip(self.columns, row, strict=True)}
            for row in self.rows
        ]


def _json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date) else value


def _made(name: str, columns: str, *inserts: str) -> tuple[str, ...]:
    create = f"CREATE TABLE `{name}` ({columns}) DEFAULT CHARSET utf8mb4"
    return (create, *(f"INSERT INTO `{name}` VALUES ({row})" for row in inserts))


BAD_TABLES = (
    BadTable(
        "bad_year", {"id": "int32", "year": "int32"}, ((1, 2026),), "backup",
        r"a column of Tidemark's own \[table .*bad_year, column year\]",
        _made("bad_year", "id INT PRIMARY KEY, year INT", "1, 2026"),
    ),
    BadTable(
        "bad_sdc", {"id": "int32", "_sdc_extracted_at": "int32"}, ((1, 1),), "backup",
        r"column _sdc_extracted_at",
        _made("bad_sdc", "id INT PRIMARY KEY, _sdc_extracted_at INT", "1, 1"),
    ),
    BadTable(
        "bad_long_name", {"id": "int32", LONG_NAME: "int32"}, ((1, 1),), "backup",
        r"127 bytes.*table .*bad_long_name, column 가",
        _made("bad_long_name", f"id INT PRIMARY KEY, `{LONG_NAME}` INT", "1, 1"),
    ),
    BadTable(
        "bad_zero_date", {"born": "date", "v": "int32"}, ((None, 1), (None, 2)), "backup",
        r"values of its key were changed.*zero_date.*column born",
        _made("bad_zero_date", "born DATE NOT NULL PRIMARY KEY, v INT",
              "'0000-00-00', 1", "'2022-00-00', 2"),
        {"born": {"zero_date": 2}},
    ),
    BadTable(
        "bad_nul", {"k": "string(9)", "v": "int32"}, (("a", 1), ("a\0", 2)), "load",
        r"a key holds a NUL.*column k",
        _made("bad_nul", "k VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY, v INT",
              "'a', 1", "'a\\0', 2"),
    ),
    BadTable(
        "bad_blank", {"k": "string(9)", "v": "int32"}, (("a", 1), ("a ", 2)), "load",
        r"a key ends in a blank.*column k, key k='a '",
        _made("bad_blank", "k VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY, v INT",
              "'a', 1", "'a ', 2"),
    ),
    BadTable(
        "bad_empty", {"k": "binary(9)", "v": "int32"}, ((b"a", 1), (b"", 2)), "load",
        r"a key is an empty binary value.*column k",
        _made("bad_empty", "k VARBINARY(9) PRIMARY KEY, v INT", "'a', 1", "'', 2"),
    ),
    BadTable(
        "bad_text", {"id": "int32", "t": "string"}, ((7, "x" * 65_536),), "load",
        r"65536 bytes does not fit.*column t, key id=7",
        _made("bad_text", "id INT PRIMARY KEY, t LONGTEXT", "7, REPEAT('x', 65536)"),
    ),
    BadTable(
        "bad_blob", {"id": "int32", "b": "binary"}, ((7, b"x" * 1_024_001),), "load",
        r"1024001 bytes does not fit.*column b, key id=7",
        _made("bad_blob", "id INT PRIMARY KEY, b LONGBLOB", "7, REPEAT('x', 1024001)"),
    ),
    BadTable(
        "tidemark_loads", {"id": "int32", "v": "int32"}, ((1, 1),), "load",
        r"kept for Tidemark's own tables",
        _made("tidemark_loads", "id INT PRIMARY KEY, v INT", "1, 1"),
    ),
)  # fmt: skip

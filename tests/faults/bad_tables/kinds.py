"""Kinds of bad table, to stand between good ones: each must stop itself alone.

They are described once for all legs: as types and rows for those who feed a plugin, and as SQL for
those who let MySQL be copied from end to end, in which a table is good first, is then spoilt, and
is mended in the end.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

#: 43 characters of three bytes: MySQL takes 64 characters, Redshift 127 bytes.
LONG_NAME = "가" * 43
_NUMBERED = "id INT PRIMARY KEY, v INT"
_TOUCH = "UPDATE {} SET update_at = UTC_TIMESTAMP()"


@dataclass(frozen=True)
class Source:
    """A table in MySQL; ``{}`` in its SQL is its name.

    Attributes:
        columns: Its columns while it is good, but for ``update_at``; empty: there is no such
            table while all is good.
        row: A row, but for its ``update_at``.
        spoil: Statements that make it bad.
        mend: Statements that make it good again.
        rebuild: Whether bad rows reach the lake, so that it has to be read again.
    """

    columns: str = _NUMBERED
    row: str = "1, 1"
    spoil: tuple[str, ...] = ()
    mend: tuple[str, ...] = ()
    rebuild: bool = False

    @property
    def create(self) -> tuple[str, ...]:
        """Statements that make it, good."""
        return (
            f"CREATE TABLE {{}} ({self.columns}, update_at DATETIME, KEY (update_at)) "
            "DEFAULT CHARSET utf8mb4",
            f"INSERT INTO {{}} VALUES ({self.row}, '2025-08-03 04:05:06')",
        )


@dataclass(frozen=True)
class BadTable:
    """A table that some leg must refuse.

    Attributes:
        name: Its name; the first letter puts it between good ones.
        leg: Who refuses it: ``extract`` (only the tap can), ``backup``, ``lake`` (the tap that
            reads it) or ``load``.
        says: What the error says, a regular expression.
        source: What it is in MySQL.
        columns: Types of the columns, the key first; empty where a plugin cannot be fed with it.
        rows: Its rows, as the lake would hold them.
        conversions: Values that the tap changed, by column and reason.
    """

    name: str
    leg: str
    says: str
    source: Source
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[tuple[Any, ...], ...] = ()
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


def _with_column(column: str) -> Source:
    """A good table to which a column is added that cannot be copied."""
    spoil = (f"ALTER TABLE {{}} ADD COLUMN {column} INT", _TOUCH)
    return Source(spoil=spoil, mend=(f"ALTER TABLE {{}} DROP COLUMN {column}",))


def _with_row(columns: str, good: str, bad: str) -> Source:
    """A good table into which a row comes that the lake can have and the warehouse cannot."""
    spoil = (f"INSERT INTO {{}} VALUES ({bad}, UTC_TIMESTAMP())",)
    mend = ("DELETE FROM {} WHERE update_at > '2025-08-03 04:05:06'",)
    return Source(columns, good, spoil, mend, rebuild=True)


_DATED = Source("born DATE NOT NULL PRIMARY KEY, v INT", "'2022-01-01', 0")

ALL_BAD = (
    BadTable(
        "a_null_key", "extract", "no replication key",
        Source(spoil=("INSERT INTO {} VALUES (2, 2, NULL)",),
               mend=("DELETE FROM {} WHERE id = 2",)),
    ),
    BadTable(
        "a_long", "backup", r"is not a valid Redshift identifier.*table .*a_long,",
        _with_column("é" * 64), {"id": "int32", "é" * 64: "int32"}, ((1, 1),),
    ),
    BadTable(
        "bad_sdc", "backup", "column _sdc_extracted_at",
        _with_column("_sdc_extracted_at"), {"id": "int32", "_sdc_extracted_at": "int32"}, ((1, 1),),
    ),
    BadTable(
        "c_key_is_gone", "extract", "update_at",
        Source(spoil=("ALTER TABLE {} DROP COLUMN update_at",),
               mend=("ALTER TABLE {} ADD COLUMN update_at DATETIME DEFAULT '2025-08-03 04:05:07', "
                     "ADD KEY (update_at)",)),
    ),
    BadTable(
        "c_long_name", "backup", r"127 bytes.*table .*c_long_name, column 가",
        _with_column(f"`{LONG_NAME}`"), {"id": "int32", LONG_NAME: "int32"}, ((1, 1),),
    ),
    BadTable(
        "d_zero_date", "backup",
        r"(its key were altered.*zero_date|keys are never altered).*column born",
        Source(_DATED.columns, _DATED.row,
               ("INSERT INTO {} VALUES ('0000-00-00', 1, UTC_TIMESTAMP()), "
                "('2022-00-00', 2, UTC_TIMESTAMP())",),
               ("DELETE FROM {} WHERE v > 0",)),
        {"born": "date", "v": "int32"}, ((None, 1), (None, 2)), {"born": {"zero_date": 2}},
    ),
    BadTable(
        "e_nul", "load", "a key holds a NUL.*column k",
        _with_row("k VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY, v INT", "'a', 1", r"'a\0', 2"),
        {"k": "string(9)", "v": "int32"}, (("a", 1), ("a\0", 2)),
    ),
    BadTable(
        "f_is_gone", "extract", "does not exist",
        Source(spoil=("DROP TABLE {}",), mend=Source().create),
    ),
    BadTable(
        "p_blank", "load", "a key ends in a blank.*column k, key k='a '",
        _with_row("k VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY, v INT", "'a', 1", "'a ', 2"),
        {"k": "string(9)", "v": "int32"}, (("a", 1), ("a ", 2)),
    ),
    BadTable(
        "q_empty", "load", "a key is an empty binary value.*column k",
        _with_row("k VARBINARY(9) PRIMARY KEY, v INT", "'a', 1", "'', 2"),
        {"k": "binary(9)", "v": "int32"}, ((b"a", 1), (b"", 2)),
    ),
    BadTable("q_forged", "lake", "says that it is", Source()),
    BadTable(
        "r_text", "load", "65536 bytes does not fit.*column t, key id=7",
        _with_row("id INT PRIMARY KEY, t LONGTEXT", "1, 'x'", "7, REPEAT('x', 65536)"),
        {"id": "int32", "t": "string"}, ((7, "x" * 65_536),),
    ),
    BadTable(
        "settlement_blob", "load", "1024001 bytes does not fit.*column b, key id=7",
        _with_row("id INT PRIMARY KEY, b LONGBLOB", "1, 'x'", "7, REPEAT('x', 1024001)"),
        {"id": "int32", "b": "binary"}, ((7, b"x" * 1_024_001),),
    ),
    BadTable(
        "tidemark_loads", "load", "reserved for Tidemark's own tables",
        Source("", spoil=Source().create, mend=("DROP TABLE {}",)),
        {"id": "int32", "v": "int32"}, ((1, 1),),
    ),
)  # fmt: skip
#: Those that a plugin can be fed with.
BAD_TABLES = tuple(bad for bad in ALL_BAD if bad.columns)

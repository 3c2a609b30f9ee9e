"""What the schema says of keys whose trailing blanks do not count. Pure."""

from __future__ import annotations

import pytest
from tap_mysql.singer.selection import stream_schema, with_padding
from tap_mysql.source.schema import Column, Table
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType, MySQLColumn
from tidemark_core.types.singer_schema import PADDED


@pytest.mark.fault(124)
@pytest.mark.parametrize(
    ("collation", "padded"),
    [
        ("utf8mb4_general_ci", True),
        ("utf8mb4_bin", True),
        ("utf8mb4_uca1400_ai_ci", True),
        ("utf8mb4_nopad_bin", False),
        ("utf8mb4_uca1400_nopad_ai_ci", False),
        ("utf8mb4_0900_ai_ci", False),
        ("utf8mb4_0900_bin", False),
        (None, False),
    ],
)
def test_a_key_says_whether_trailing_blanks_count(collation: str | None, padded: bool) -> None:
    kind, mysql = ColumnType("string", length=9), MySQLColumn("varchar", "varchar(9)")
    key, other = (Column(name, mysql, kind, False, "utf8mb4", collation) for name in ("k", "v"))
    table = Table(TableName("shop", "t"), (key, other), ("k",))
    schema = with_padding(stream_schema(table), table, ("k",))
    assert schema["properties"]["k"].get(PADDED, False) is padded
    assert PADDED not in schema["properties"]["v"]

"""Which keys are gone from MySQL: of every type, and while rows are copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tidemark.services.compare.keys.key_difference import differing
from tidemark.services.compare.keys.row_keys import RowKey, row_key
from tidemark.source.mysql import MySQL, open_mysql
from tidemark_core.errors import ConfigError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.redshift.connection import connect
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import to_json_schema

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


#: dbt's user, who owns the public tables.
BUILDER = "tidemark_transformer"


@dataclass(frozen=True)
class Key:
    """A kind of primary key; rows as SQL of both servers.

    Attributes:
        columns: By name: type in MySQL, in the warehouse, in the lake.
        both: Rows that both have.
        public: Rows that only the public table has, with the text of their key.
        mysql: Rows that only MySQL has.
        changed: What a load makes of a value, in SQL.
    """

    columns: dict[str, tuple[str, str, ColumnType]]
    both: tuple[str, ...]
    public: dict[str, str]
    mysql: tuple[str, ...] = ()
    changed: tuple[tuple[str, str], ...] = ()


BIGINT = ("BIGINT", "BIGINT", ColumnType("int64"))
TEXT = (
    "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    "VARCHAR(80)",
    ColumnType("string", length=20),
)
U64 = ColumnType("decimal", precision=20, scale=0)
KEYS = {
    "bigint": Key(
        {"id": BIGINT},
        ("-9223372036854775808", "-3", "0", "5", "9223372036854775807"),
        {"-9223372036854775807": "-9223372036854775807", "-1": "-1", "4": "4", "77": "77"},
        ("-2", "1", "2", "3", "6", "7", "8"),
    ),
    "a number with zeros": Key(
        {"Id": ("INT(8) UNSIGNED ZEROFILL", "BIGINT", ColumnType("int64"))}, ("7",), {"8": "8"}
    ),
    "bigint unsigned": Key(
        {"id": ("BIGINT UNSIGNED", "NUMERIC(20,0)", U64)},
        ("18446744073709551615", "0"),
        {"18446744073709551614": "18446744073709551614"},
        ("3",),
    ),
    "bit": Key({"id": ("BIT(20)", "NUMERIC(20,0)", U64)}, ("65", "3"), {"66": "66"}),
    "year": Key({"id": ("YEAR", "SMALLINT", ColumnType("int16"))}, ("0", "2001"), {"1999": "1999"}),
    "decimal": Key(
        {"id": ("DECIMAL(9,2)", "NUMERIC(9,2)", ColumnType("decimal", precision=9, scale=2))},
        ("-0.50", "7.00", "1234567.89"),
        {"0.50": "0.50", "-7.10": "-7.10"},
    ),
    "text": Key(
        {"id": TEXT},
        ("'a'", "'b/c'", "'😀'", "'한글'", "' edge'", "''", "'it''s'"),
        {"'A'": "A", "'é'": "é", "'/~'": "/~", "'12'": "12"},
        ("'x'", "'y'"),
    ),
    "latin1 text": Key(
        {"id": ("VARCHAR(9) CHARACTER SET latin1", "VARCHAR(36)", ColumnType("string", length=9))},
        ("'é'", "'ÿ'"),
        {"'e'": "e"},
    ),
    "text that a load has to change": Key(
        # What was not a text in MySQL is another key there, and no proof of anything.
        {"id": TEXT}, ("'a\\0b'",), {"'ab2'": "ab2"}, ("'?'",), (("'a\\0b'", "'ab'"),),
    ),
    "date": Key(
        {"id": ("DATE", "DATE", ColumnType("date"))},
        ("'0001-01-01'", "'9999-12-31'", "'2024-02-29'"),
        {"'2024-03-01'": "2024-03-01"},
    ),
    "timestamp": Key(
        {"id": ("DATETIME(6)", "TIMESTAMP", ColumnType("timestamp", precision=6))},
        ("'2024-01-01 00:00:00'", "'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"),
        {"'2024-01-01 00:00:00.000001'": "2024-01-01 00:00:00.000001"},
    ),
    "binary": Key(
        {"id": ("BINARY(2)", "VARBYTE(2)", ColumnType("binary", length=2))},
        ("x'00ff'", "x'ab00'"),
        {"x'ff00'": "FF00"},
    ),
    "two columns": Key(
        {"a": BIGINT, "Part": TEXT},
        ("1, '2/3'", "12, '/3'", "1, '~'"),
        {"1, '2'": "1/2", "12, '3/~'": "12/3~1~0", "3, '2/3'": "3/2~13"},
        ("9, 'x'",),
    ),
}  # fmt: skip


def to_public(key: Key, row: str) -> str:
    """A row as the warehouse has it."""
    if row.startswith("x'"):
        return f"from_hex({row[1:]})"
    return dict(key.changed).get(row, row)


@pytest.fixture
def table(lake: Lake) -> Iterator[Any]:
    """Makes the table of a key on both servers."""
    name = lake.table.table

    def make(key: Key) -> RowKey:
        columns = ", ".join(f"`{column}` {kinds[0]}" for column, kinds in key.columns.items())
        named = ", ".join(f"`{column}`" for column in key.columns)
        lake.sandbox.mysql(f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({named}))")
        for row in (*key.both, *key.mysql):
            lake.sandbox.mysql(f"INSERT INTO {name} VALUES ({row})")
        columns = ", ".join(f'"{column}" {kinds[1]}' for column, kinds in key.columns.items())
        lake.sandbox.warehouse(f"CREATE TABLE public.{name} ({columns})", user=BUILDER)
        for row in (*key.both, *key.public):
            lake.sandbox.warehouse(
                f"INSERT INTO public.{name} VALUES ({to_public(key, row)})", user=BUILDER
            )
        kinds = tuple((column, kinds[2]) for column, kinds in key.columns.items())
        return RowKey(lake.table, "public", lake.landing, kinds)

    yield make
    lake.sandbox.mysql(f"DROP TABLE IF EXISTS {name}")
    lake.sandbox.warehouse(f"DROP TABLE IF EXISTS public.{name}", user=BUILDER)


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
def test_exactly_the_keys_that_mysql_has_no_more_are_found(
    lake: Lake, table: Any, key: Key
) -> None:
    made = table(key)
    with (
        open_mysql(lake.project.mysql) as mysql,
        connect(lake.project.reader) as copy,
    ):
        for size in (2, 3, 100):
            pages = [keys.gone for keys in differing(made, mysql, copy, size=size)]
            found = [text for page in pages for text in page]
            assert sorted(found) == sorted(key.public.values()), size
            if made.number:
                assert all(len(page) <= size for page in pages)


def test_a_key_whose_text_was_damaged_is_not_called_gone(lake: Lake, table: Any) -> None:
    made = table(Key({"id": TEXT}, ("'a'",), {"'b\ufffd'": "never", "'c'": "c"}))
    with (
        open_mysql(lake.project.mysql) as mysql,
        connect(lake.project.reader) as copy,
    ):
        assert [keys.gone for keys in differing(made, mysql, copy)] == [["c"]]


class Busy:
    """MySQL while rows are written and copied: one more after each answer."""

    def __init__(self, lake: Lake, mysql: MySQL) -> None:
        self._lake, self._mysql, self.written = lake, mysql, 100

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        found = self._mysql.rows(sql)
        self.written += 1
        name = self._lake.table.table
        self._lake.sandbox.mysql(f"INSERT INTO {name} VALUES ({self.written})")
        self._lake.sandbox.warehouse(
            f"INSERT INTO public.{name} VALUES ({self.written})", user=BUILDER
        )
        return found

    def row(self, sql: str) -> tuple[Any, ...]:
        (found,) = self.rows(sql)
        return found

    def number(self, sql: str) -> int:
        return int(self.row(sql)[0])


@pytest.mark.parametrize("kind", [BIGINT, ("BIGINT UNSIGNED", "NUMERIC(20,0)", U64)])
def test_a_row_that_is_copied_while_we_look_is_not_called_gone(
    lake: Lake, table: Any, kind: tuple[str, str, ColumnType]
) -> None:
    made = table(Key({"id": kind}, ("1", "2", "3"), {"4": "4"}))
    with (
        open_mysql(lake.project.mysql) as mysql,
        connect(lake.project.reader) as copy,
    ):
        busy = Busy(lake, mysql)
        found = [text for keys in differing(made, busy, copy, size=2) for text in keys.gone]  # type: ignore[arg-type]
    assert found == ["4"]
    assert busy.written > 102


@pytest.mark.parametrize(
    ("keys", "what"),
    [((), "no primary key"), (("f",), "float64"), (("j",), "json")],
)
def test_a_key_that_cannot_be_compared_is_refused(keys: tuple[str, ...], what: str) -> None:
    kinds = {"f": ColumnType("float64"), "j": ColumnType("json")}
    manifest = Manifest(
        table=TableName("settlement", "t"),
        run_id="run",
        part=1,
        extracted_at=datetime(2025, 8, 3, tzinfo=UTC),
        schema={"properties": {name: to_json_schema(kind) for name, kind in kinds.items()}},
        key_properties=keys,
        files=(),
        bookmark={},
    )
    with pytest.raises(ConfigError, match=what) as caught:
        row_key(manifest, "public", "t")
    assert caught.value.table == "settlement.t"

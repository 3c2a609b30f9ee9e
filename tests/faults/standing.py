"""Tables that stand in MySQL, the lake and the warehouse: made as a test describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import fold, quote_mysql, quote_redshift
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import to_json_schema

if TYPE_CHECKING:
    from datetime import datetime

    from tests.tidemark.conftest import Lake

LOADER, BUILDER = "tidemark_loader", "tidemark_transformer"
#: MySQL's type, the warehouse's, the lake's.
Kinds = tuple[str, str, ColumnType]
BIGINT: Kinds = ("BIGINT", "BIGINT", ColumnType("int64"))
TEXT: Kinds = ("VARCHAR(20) COLLATE utf8mb4_bin", "VARCHAR(80)", ColumnType("string", length=20))
TIME: Kinds = ("DATETIME(6)", "TIMESTAMP", ColumnType("timestamp", precision=6))


def in_mysql(
    lake: Lake, columns: Mapping[str, Kinds], keys: Sequence[str], rows: Sequence[str]
) -> None:
    """Makes the table in MySQL, with some rows."""
    table = quote_mysql(lake.table.table)
    told = ", ".join(f"{quote_mysql(name)} {kinds[0]}" for name, kinds in columns.items())
    primary = f", PRIMARY KEY ({', '.join(map(quote_mysql, keys))})" if keys else ""
    lake.sandbox.mysql(f"CREATE TABLE {table} ({told}{primary})")
    with (
        closing(lake.sandbox.source.connect(database=lake.table.schema)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET SESSION sql_mode = ''")  # MySQL refuses a zero date otherwise
        for row in rows:
            cursor.execute(f"INSERT INTO {table} VALUES ({row})")


def in_landing(
    lake: Lake, columns: Mapping[str, Kinds], rows: Sequence[tuple[str, str, int]]
) -> None:
    """Makes the landing table: of each row its values, when it was extracted, and its load."""
    table = f"landing.{quote_redshift(lake.landing)}"
    told = ", ".join(f"{quote_redshift(fold(n))} {kinds[1]}" for n, kinds in columns.items())
    meta = "_sdc_extracted_at TIMESTAMP, _sdc_deleted_at TIMESTAMP, _tidemark_load_id BIGINT"
    run = lake.sandbox.warehouse
    run(f"CREATE TABLE {table} ({told}, {meta})", user=LOADER)
    for values, moment, load in rows:
        run(f"INSERT INTO {table} VALUES ({values}, '{moment}', NULL, {load})", user=LOADER)
    for one in (table, "landing.tidemark_loads"):
        run(f"GRANT SELECT ON {one} TO {BUILDER}", user=LOADER)
    run(f"GRANT USAGE ON SCHEMA landing TO {BUILDER}")


def in_public(lake: Lake, columns: Mapping[str, Kinds], rows: Sequence[str]) -> None:
    """Makes the public table."""
    table = f"public.{quote_redshift(lake.landing)}"
    told = ", ".join(f"{quote_redshift(fold(n))} {kinds[1]}" for n, kinds in columns.items())
    lake.sandbox.warehouse(f"CREATE TABLE {table} ({told})", user=BUILDER)
    for row in rows:
        lake.sandbox.warehouse(f"INSERT INTO {table} VALUES ({row})", user=BUILDER)


def in_lake(
    lake: Lake,
    columns: Mapping[str, Kinds],
    keys: Sequence[str],
    rows: int,
    moment: datetime,
    mark: tuple[str, object] | None,
) -> None:
    """Commits a file of this many rows, and writes it into the ledger."""
    file = lake.file(moment, rows=rows)
    bookmark = {} if mark is None else dict(zip(
        ("replication_key", "replication_key_value"), mark, strict=True
    ))  # fmt: skip
    manifest = Manifest(
        table=lake.table,
        run_id="run",
        part=1,
        extracted_at=moment,
        schema={"properties": {n: to_json_schema(kinds[2]) for n, kinds in columns.items()}},
        key_properties=tuple(keys),
        files=(file,),
        bookmark=bookmark,
    )
    lake.project.s3.put_object(
        Bucket=lake.project.bucket,
        Key=manifest.key(lake.project.layout),
        Body=manifest.to_json().encode(),
    )
    lake.load(file)


def drop(lake: Lake) -> None:
    """Removes it everywhere but in the lake, which is the test's own."""
    lake.sandbox.mysql(f"DROP TABLE IF EXISTS {quote_mysql(lake.table.table)}")
    name = quote_redshift(lake.landing)
    lake.sandbox.warehouse(f"DROP TABLE IF EXISTS landing.{name}", user=LOADER)
    lake.sandbox.warehouse(f"DROP TABLE IF EXISTS public.{name}", user=BUILDER)

"""The bench's own sandbox, filled once and kept for the next time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_sandbox.world import Sandbox

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
#: The sandbox's widest table: 51 columns of all common types.
WIDE = TableName("settlement", "settlement_normal_delivery_detail")


@contextmanager
def seeded(rows: int, console: Console) -> Iterator[Sandbox]:
    """A running sandbox whose delivery table has as many rows; stopped afterwards, not removed."""
    sandbox = Sandbox(ROOT / ".sandbox-bench", Sandbox.free_port_block())
    console.print(f"The bench's sandbox: {sandbox.config.dir}")
    sandbox.up()
    try:
        if count(sandbox) != rows:
            console.print(f"Seeding {rows:,} rows …")
            sandbox.seed(rows)
        yield sandbox
    finally:
        sandbox.down()


def count(sandbox: Sandbox, table: TableName = WIDE) -> int:
    """Rows of a table; 0 when it is not there."""
    known = sandbox.mysql(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = %s "
        "AND table_name = %s",
        [table.schema, table.table],
    )
    return int(sandbox.mysql(f"SELECT count(*) FROM `{table.table}`")[0][0]) if known[0][0] else 0


def empty_bucket(s3: S3Location) -> None:
    """Removes everything from the bench's lake."""
    client = s3.client()
    for entry in list(list_keys(client, s3.bucket, "")):
        client.delete_object(Bucket=s3.bucket, Key=entry["Key"])

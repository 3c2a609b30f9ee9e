"""Whether MySQL, the lake, landing and public have the same rows of a table that is followed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow.parquet as pq
from projects.nights import Night, s3_client
from tidemark_sandbox.world import Sandbox

from following.tables import DATABASE, TABLES, VALUES, Followed

Row = tuple[Any, ...]
_OWN = ("_sdc_extracted_at", "_sdc_deleted_at")


def disagreements(world: Sandbox, night: Night, tables: Sequence[Followed] = TABLES) -> list[str]:
    """What differs between MySQL and the others, value by value, deletes included."""
    manifests = night.manifests()
    return [line for table in tables for line in _differences(world, night, manifests, table)]


def _differences(
    world: Sandbox, night: Night, manifests: Sequence[dict[str, Any]], table: Followed
) -> list[str]:
    columns = [name for (name, *_) in world.mysql(f"SHOW COLUMNS FROM {table.name}")]
    # What was added to MySQL meanwhile has no place in the contract.
    kept = [name for name in columns if name in (*table.key, *VALUES, "parent")]
    found = []
    for place, names, rows in (
        ("public", kept, _copied(world, "public", table, kept)),
        (
            "landing",
            columns,
            _newest(_copied(world, "landing", table, [*columns, *_OWN]), columns, table),
        ),
        ("lake", columns, _newest(_lake(night, manifests, table, columns), columns, table)),
    ):
        source = [*map(_plain, world.mysql(f"SELECT {_ticked(names)} FROM {table.name}"))]
        copy = [*map(_plain, rows)]
        ours, theirs = set(source), set(copy)
        for who, alone in (("MySQL", ours - theirs), (place, theirs - ours)):
            found += [f"{table.name}: {who} alone has {row}" for row in sorted(alone, key=str)[:5]]
        if len(copy) != len(source):
            found.append(f"{table.name}: {len(copy)} rows in {place}, {len(source)} in MySQL")
    return found


def _plain(row: Sequence[Any]) -> Row:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def _copied(world: Sandbox, schema: str, table: Followed, names: Sequence[str]) -> list[Row]:
    """Rows of the warehouse; the driver cannot read VARBYTE that is not text."""
    asked = [f'to_hex("{name}")' if name in table.binary else f'"{name}"' for name in names]
    rows = world.warehouse(f"SELECT {', '.join(asked)} FROM {schema}.{table.name}")
    return [
        tuple(
            bytes.fromhex(value) if name in table.binary and value is not None else value
            for name, value in zip(names, row, strict=True)
        )
        for row in rows
    ]


def _ticked(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _newest(
    versions: Iterable[Sequence[Any]], columns: Sequence[str], table: Followed
) -> list[Row]:
    """The newest version of each row that is there."""
    places = [columns.index(name) for name in table.key]
    newest: dict[Row, Row] = {}
    for version in sorted(map(_plain, versions), key=lambda version: version[-2]):
        newest[tuple(version[place] for place in places)] = version
    return [version[:-2] for version in newest.values() if version[-1] is None]


def _lake(
    night: Night, manifests: Sequence[dict[str, Any]], table: Followed, columns: Sequence[str]
) -> list[Row]:
    client, rows = s3_client(night.settings), list[Row]()
    for manifest in manifests:
        if manifest["table"] != f"{DATABASE}.{table.name}":
            continue
        for file in manifest["files"]:
            answer = client.get_object(Bucket=night.settings["S3_BUCKET_NAME"], Key=file["key"])
            content = pq.read_table(io.BytesIO(answer["Body"].read()))
            # A file from before a column was added has none of it.
            rows += [
                tuple(row.get(name) for name in (*columns, *_OWN)) for row in content.to_pylist()
            ]
    return rows

"""Tables that are followed: their project files, who writes them, and whether all copies agree."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pymysql
import yaml
from nights import Night, s3_client
from tidemark_sandbox.world import Sandbox

DATABASE = "settlement"
COLUMNS = {
    "id": "integer",
    "n": "integer",
    "text": "varchar(160)",
    "price": "numeric(12,3)",
    "at": "timestamp",
}
_CREATE = (
    "(id INT PRIMARY KEY, n INT, text VARCHAR(40), price DECIMAL(12,3), at DATETIME(6)) "
    "CHARACTER SET utf8mb4"
)
Row = tuple[Any, ...]


def create(world: Sandbox, tables: Sequence[str], rows: int) -> None:
    """Makes the tables in MySQL."""
    for table in tables:
        world.mysql(f"CREATE TABLE {table} {_CREATE}")
        values = ", ".join(f"({n}, 0, 'x{n}', {n}.5, UTC_TIMESTAMP(6))" for n in range(rows))
        world.mysql(f"INSERT INTO {table} VALUES {values}")


def add_to(root: Path, tables: Sequence[str]) -> None:
    """Writes into a project what `tidemark add --log-based` would."""
    path = root / "extract/extractors.meltano.yml"
    document = yaml.safe_load(path.read_text())
    (tap, *_) = document["plugins"]["extractors"]
    for table in tables:
        tap["select"].append(f"{DATABASE}-{table}.*")
        tap["metadata"][f"{DATABASE}-{table}"] = {"replication-method": "LOG_BASED"}
        folder = root / "transform/models/tables"
        (folder / f"{table}.sql").write_text("{{ table_from_contract() }}\n")
        (folder / f"{table}.yml").write_text(yaml.safe_dump(_contract(table), sort_keys=False))
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def _contract(table: str) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {"name": name, "data_type": kind, "description": name} for name, kind in COLUMNS.items()
    ]
    columns[0] |= {
        "constraints": [{"type": "not_null", "warn_unsupported": False}],
        "data_tests": ["unique", "not_null"],
    }
    model = {
        "name": table,
        "description": "A table that is followed.",
        "config": {
            "unique_key": ["id"],
            "meta": {"source": f"{DATABASE}.{table}", "replication_method": "LOG_BASED"},
        },
        "columns": columns,
    }
    source = {"name": "landing", "tables": [{"name": table}]}
    return {"version": 2, "sources": [source], "models": [model]}


class Writers:
    """Two writers in threads, which change so many rows a second, from begin to end of the block.

    Args:
        world: Where the tables are.
        tables: Their names.
        seed: Decides what they do.
        rate: Rows a second, of all tables together.
    """

    def __init__(self, world: Sandbox, tables: Sequence[str], seed: int, rate: float) -> None:
        self.changed = 0
        self._world, self._tables, self._rate = world, tables, rate
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(seed + n), n)) for n in range(2)
        ]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, chance: random.Random, number: int) -> None:
        fresh = 1_000_000 * (number + 1)
        with (
            closing(self._world.source.connect(database=DATABASE)) as connection,
            connection.cursor() as cursor,
        ):
            while not self._over.is_set():
                begun, rows = time.monotonic(), chance.choice((1, 5, 20, 60))
                connection.begin()
                with suppress(pymysql.err.MySQLError):
                    for _ in range(rows):
                        fresh += 1
                        _change(cursor, chance.choice(self._tables), chance, fresh)
                    if chance.random() < 0.05:
                        connection.rollback()
                        rows = 0
                    else:
                        connection.commit()
                        self.changed += rows
                took = time.monotonic() - begun
                self._over.wait(max(0.0, 2 * rows / self._rate - took))


def _change(cursor: Any, table: str, chance: random.Random, fresh: int) -> None:
    key = chance.randrange(300)
    kind = chance.random()
    if kind < 0.25:
        text = chance.choice(("état", "", "a,b\n", "\N{SNOWMAN}"))
        cursor.execute(
            f"INSERT INTO {table} VALUES (%s, 0, %s, %s, UTC_TIMESTAMP(6))", (fresh, text, key)
        )
    elif kind < 0.45:
        cursor.execute(f"DELETE FROM {table} WHERE id >= %s ORDER BY id LIMIT 1", (key,))
    elif kind < 0.5:
        cursor.execute(f"UPDATE {table} SET id = %s WHERE id = %s", (-fresh, key))
    else:
        cursor.execute(
            f"UPDATE {table} SET n = n + 1, price = price + 1 WHERE id >= %s ORDER BY id LIMIT 1",
            (key,),
        )


def disagreements(world: Sandbox, night: Night, tables: Sequence[str]) -> list[str]:
    """What differs between MySQL and the lake, landing, and public, value by value."""
    found = []
    names = ", ".join(COLUMNS)
    for table in tables:
        source = _rows(world.mysql(f"SELECT {names} FROM {table}"))
        quoted = ", ".join(f'"{name}"' for name in COLUMNS)
        landing = world.warehouse(
            f'SELECT {quoted}, "_sdc_extracted_at", "_sdc_deleted_at" FROM landing.{table}'
        )
        copies = {
            "public": _rows(world.warehouse(f"SELECT {quoted} FROM public.{table}")),
            "landing": _newest(landing),
            "lake": _newest(_lake(night, table)),
        }
        for name, rows in copies.items():
            ours, theirs = set(source), set(rows)
            found += [
                f"{table}: MySQL alone has {row}" for row in sorted(ours - theirs, key=str)[:5]
            ]
            found += [
                f"{table}: {name} alone has {row}" for row in sorted(theirs - ours, key=str)[:5]
            ]
            if len(rows) != len(source):
                found.append(f"{table}: {len(rows)} rows in {name}, {len(source)} in MySQL")
    return found


def _rows(rows: Iterable[Sequence[Any]]) -> list[Row]:
    return [tuple(row) for row in rows]


def _newest(versions: Iterable[Sequence[Any]]) -> list[Row]:
    """The newest version of each row that is there."""
    newest: dict[Any, Sequence[Any]] = {}
    for row in sorted(versions, key=lambda row: row[-2]):
        newest[row[0]] = row
    return [tuple(row[:-2]) for row in newest.values() if row[-1] is None]


def _lake(night: Night, table: str) -> list[Row]:
    names = [*COLUMNS, "_sdc_extracted_at", "_sdc_deleted_at"]
    client, rows = s3_client(night.settings), list[Row]()
    for manifest in night.manifests():
        if manifest["table"] != f"{DATABASE}.{table}":
            continue
        for file in manifest["files"]:
            answer = client.get_object(Bucket=night.settings["S3_BUCKET_NAME"], Key=file["key"])
            content = pq.read_table(io.BytesIO(answer["Body"].read()), columns=names)
            rows += [tuple(row[name] for name in names) for row in content.to_pylist()]
    return rows

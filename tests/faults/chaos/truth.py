"""Whether MySQL, the lake, landing and the public tables agree, value by value, in all columns."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

#: Table → its replication key.
TABLES = {
    "settlement_normal_delivery_detail": "update_at",
    "settlement_claim_detail": "update_at",
    "settlement_return_detail": "update_at",
    "partner_info": "update_at",
    "billing_summary": "update_at",
    "delivery_status": "id",
}
Row = tuple[Any, ...]


@dataclass
class Findings:
    """What was compared, and what differs."""

    rows: Counter[str] = field(default_factory=Counter)
    values: int = 0
    differences: list[str] = field(default_factory=list)

    def same(self, what: str, a: Row | None, b: Row | None, columns: Sequence[str]) -> None:
        """Compares two rows."""
        self.values += len(columns)
        if a == b:
            return
        if a is None or b is None:
            self.differences.append(f"{what}: {'missing' if b is None else 'one too many'}")
            return
        for column, left, right in zip(columns, a, b, strict=True):
            if left != right:
                self.differences.append(f"{what}.{column}: {left!r}, {right!r}")


class Agreement:
    """Compares the four.

    Args:
        sandbox: Where they are; nobody writes.
        env: The project's settings.
        deleted: Keys of deliveries that MySQL has no more: the warehouse keeps them as they were.
    """

    def __init__(self, sandbox: Sandbox, env: dict[str, str], deleted: Collection[int]) -> None:
        self._sandbox = sandbox
        self._s3 = S3Location.of(read(S3Settings, {}, env))
        self._deleted = deleted

    def check(self) -> Findings:
        found = Findings()
        for table, replication_key in TABLES.items():
            self._check(table, replication_key, found)
        return found

    def _check(self, table: str, replication_key: str, found: Findings) -> None:
        columns = [
            name.lower() for (name, *_) in self._sandbox.mysql(f"SHOW COLUMNS FROM `{table}`")
        ]
        listed = ", ".join(columns)
        key, newest_by = columns.index("id"), columns.index(replication_key)
        source = plain(self._sandbox.mysql(f"SELECT {listed} FROM `{table}`"))
        lake = self._lake(TableName("settlement", table), columns)
        landed = [
            (row[:-2], row[-2:])
            for row in plain(
                self._sandbox.warehouse(
                    f"SELECT {listed}, _sdc_extracted_at, _tidemark_load_id FROM landing.{table}"
                )
            )
        ]
        public = plain(self._sandbox.warehouse(f"SELECT {listed} FROM public.{table}"))
        found.rows.update(
            source=len(source), lake=len(lake), landing=len(landed), public=len(public)
        )
        self._same_versions(table, lake, landed, columns, found)
        if len({row[key] for row in public}) != len(public):
            found.differences.append(f"public.{table}: a key twice")
        held = {row[key]: row for row in public}
        in_lake = newest(lake, key, newest_by)
        in_landing = newest(landed, key, newest_by)
        for row in source:
            for place, rows in (("lake", in_lake), ("landing", in_landing), ("public", held)):
                found.same(f"{place} {table} {row[key]}", row, rows.get(row[key]), columns)
        for gone in (held.keys() | in_landing.keys()) - {row[key] for row in source}:
            what = f"public {table} {gone}, deleted in MySQL"
            found.same(what, in_landing.get(gone), held.get(gone), columns)
            if gone not in self._deleted:
                found.differences.append(f"public {table} {gone}: never was in MySQL")

    def _same_versions(
        self,
        table: str,
        lake: list[tuple[Row, Row]],
        landed: list[tuple[Row, Row]],
        columns: Sequence[str],
        found: Findings,
    ) -> None:
        """Every version of the lake is in landing, as often as it was committed."""
        committed, loaded = Counter(r for r, _ in lake), Counter(r for r, _ in landed)
        found.values += len(lake) * len(columns)
        for row, count in ((committed - loaded) + (loaded - committed)).items():
            found.differences.append(
                f"landing {table} {row}: {count} times more or less than in the lake"
            )

    def _lake(self, table: TableName, columns: Sequence[str]) -> list[tuple[Row, Row]]:
        """All rows of committed files, each with the time of its extraction."""
        client, layout = self._s3.client(), self._s3.layout
        rows: list[tuple[Row, Row]] = []
        for entry in list_keys(client, self._s3.bucket, layout.manifests_prefix(table)):
            body = client.get_object(Bucket=self._s3.bucket, Key=entry["Key"])["Body"].read()
            manifest = Manifest.from_json(body, key=entry["Key"], layout=layout)
            for file in manifest.files:
                held = client.get_object(Bucket=self._s3.bucket, Key=file.key)["Body"].read()
                read = pq.read_table(io.BytesIO(held))
                read = read.rename_columns([name.lower() for name in read.column_names])
                values = [read[column].to_pylist() for column in columns]
                when = (plain_value(manifest.extracted_at.replace(tzinfo=None)), entry["Key"])
                rows += [(row, when) for row in plain(zip(*values, strict=True))]
        return rows


def newest(versions: Iterable[tuple[Row, Row]], key: int, newest_by: int) -> dict[Any, Row]:
    """The newest version of each key; one without a replication key is older than any other."""
    found: dict[Any, tuple[tuple[Any, ...], Row]] = {}
    for row, when in versions:
        value = row[newest_by]
        order = (value is not None, value if value is not None else 0, when)
        if row[key] not in found or found[row[key]][0] < order:
            found[row[key]] = (order, row)
    return {key: row for key, (_, row) in found.items()}


def plain(rows: Iterable[Sequence[Any]]) -> list[Row]:
    return [tuple(map(plain_value, row)) for row in rows]


def plain_value(value: Any) -> Any:
    """A value as all four places would have it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return value.normalize()
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value

"""The same manifests, whoever loads them, how often and in which order: the same table."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tap_s3_parquet.singer.tap import TapS3Parquet
from tidemark_core.lake.manifest import Manifest, ManifestFile

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

Message = dict[str, Any]
Watch = Callable[["subprocess.Popen[str]"], "subprocess.Popen[str]"]
#: Commit by commit; rows 1 to 3 come in several versions.
Row = tuple[int, str | None, Decimal | None]
COMMITS: list[list[list[Row]]] = [
    [[(1, "a1", Decimal("1.00")), (2, "a2", None)], [(3, "a3", None)]],
    [[(2, "b2", Decimal("2.00")), (4, "b4", None)]],
    [[(1, None, None)], [(3, "", Decimal("-3.00")), (5, "c5", None)]],
]
VERSIONS = 8
NEWEST = [
    (1, None, None),
    (2, "b2", Decimal("2.00")),
    (3, "", Decimal("-3.00")),
    (4, "b4", None),
    (5, "c5", None),
]


@pytest.fixture
def commits(lake: Lake, table: Table) -> list[list[Message]]:
    """What tap-s3-parquet says of each of the table's manifests: its BATCH, and a STATE."""
    for number, files in enumerate(COMMITS, 1):
        _commit(lake, table, number, files)
    kept = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    known = {name: value for name, value in lake.config.items() if name.startswith("s3_")}
    out = io.StringIO()
    with redirect_stdout(out):
        tap = TapS3Parquet(config=known | {"s3_tables": [str(table.name)], "s3_batch_rows": 1})
        tap.sync_all()
        tap.raise_failures()
    for each, handler in kept.items():
        signal.signal(each, handler)
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    schemas = [message for message in said if message["type"] == "SCHEMA"]
    batches = [message for message in said if message["type"] == "BATCH"]
    states = [message for message in said if message["type"] == "STATE"][: len(batches)]
    assert (len(schemas), len(batches)) == (1, len(COMMITS))
    return [[schemas[0], *pair] for pair in zip(batches, states, strict=True)]


def _commit(lake: Lake, table: Table, number: int, files: list[list[tuple[Any, ...]]]) -> None:
    named = [table.write(rows) for rows in files]
    layout = lake.s3.layout
    manifest = Manifest(
        table=table.name,
        run_id=f"run-{number}",
        part=1,
        extracted_at=layout.parse_data_key(named[0].s3_location[1]).moment,
        schema=table.schema()["schema"],
        key_properties=table.key,
        files=tuple(
            ManifestFile(
                file.s3_location[1], file.facts["rows"], file.facts["bytes"], file.facts["etag"]
            )
            for file in named
        ),
    )
    key = manifest.key(layout)
    lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=manifest.to_json().encode())


def _content(table: Table) -> list[tuple[Any, ...]]:
    columns = "id, name, amount, _sdc_extracted_at"
    return table.rows(columns, order="id, _sdc_extracted_at")


def _files(table: Table) -> list[str]:
    return sorted(file for file, _, _, _ in table.ledger())


@pytest.mark.parametrize("load_method", ["append-only", "upsert"])
def test_loaded_twice_in_another_order_and_by_two_processes_at_once_it_is_the_same_table(
    lake: Lake,
    table: Table,
    watch: Watch,
    commits: list[list[Message]],
    load_method: str,
) -> None:
    forth = [message for commit in commits for message in commit]
    back = [message for commit in commits[::-1] for message in commit]

    def load(messages: list[Message]) -> None:
        lake.load(*messages, load_method=load_method)

    def once() -> None:
        load(forth)

    def twice() -> None:
        load(forth)
        load(forth)

    def in_another_order() -> None:
        load(back)
        load(commits[1])

    def by_two_processes_at_once() -> None:
        both = [watch(lake.start(load_method=load_method)) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            told = [lake.lines(*forth), lake.lines(*back)]
            ends = list(pool.map(lambda p, text: p.communicate(text, timeout=120), both, told))
        codes = sorted(process.returncode for process in both)
        assert codes in ([0, 0], [0, 4]), ends

    seen = []
    for way in (once, twice, in_another_order, by_two_processes_at_once):
        way()
        seen.append((_content(table), _files(table)))
        lake.sql(f"DROP TABLE {table.landing}")
        lake.sql(f"DELETE FROM landing.tidemark_loads WHERE source_table = '{table.name}'")
    rows, files = seen[0]
    assert len(files) == sum(map(len, COMMITS)), "each file once"
    if load_method == "upsert":
        assert [row[:3] for row in rows] == NEWEST
    else:
        assert len(rows) == VERSIONS
    assert seen == [seen[0]] * 4

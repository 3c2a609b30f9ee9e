"""Tables that are read whole, and tables without rows, as commands see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from tidemark.services.bookmarks.bookmark import Leg

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

LOADER = "tidemark_loader"
#: As a table has it that was read by its key before.
STALE = {"replication_key": "update_at", "replication_key_value": "2025-08-03T04:05:06.000000"}


def copy(lake: Lake, hour: int, *ids: int) -> str:
    """Commits and loads a copy of a table without a key."""

    moment = datetime(2025, 8, 3, hour, tzinfo=UTC)
    rows = pa.table(
        {
            "ID": pa.array(ids, pa.int64()),
            "update_at": pa.array([None] * len(ids), pa.timestamp("us")),
        }
    )
    file = lake.file(moment, content=rows)
    lake.commit(file, moment=moment, keys=(), method="FULL_TABLE", bookmark=STALE)
    lake.load(file, load_id=hour)
    return file.key


@pytest.fixture
def whole(lake: Lake) -> Iterator[Lake]:
    """Two copies in the lake, of which landing has the newer, as MySQL."""
    name = lake.table.table
    copy(lake, 4, 1, 2, 2)
    copy(lake, 5, 2, 2, 3)
    lake.bookmark(Leg.BACKUP, STALE)
    lake.sandbox.mysql(f"CREATE TABLE {name} (ID BIGINT NOT NULL, update_at DATETIME)")
    lake.sandbox.mysql(f"INSERT INTO {name} VALUES (2, NULL), (2, NULL), (3, NULL)")
    lake.sandbox.warehouse(
        f"CREATE TABLE landing.{name} (id BIGINT, update_at TIMESTAMP, "
        "_sdc_extracted_at TIMESTAMP, _sdc_deleted_at TIMESTAMP, _tidemark_load_id BIGINT)",
        user=LOADER,
    )
    copied = ", ".join(f"({n}, NULL, '2025-08-03 05:00:00', NULL, 5)" for n in (2, 2, 3))
    lake.sandbox.warehouse(f"INSERT INTO landing.{name} VALUES {copied}", user=LOADER)
    lake.sandbox.warehouse(f"GRANT SELECT ON landing.{name} TO tidemark_transformer", user=LOADER)
    lake.sandbox.warehouse(
        "GRANT SELECT ON landing.tidemark_loads TO tidemark_transformer", user=LOADER
    )
    lake.sandbox.warehouse("GRANT USAGE ON SCHEMA landing TO tidemark_transformer")
    yield lake
    lake.sandbox.mysql(f"DROP TABLE {name}")
    lake.sandbox.warehouse(f"DROP TABLE landing.{name}", user=LOADER)


@pytest.mark.fault(159)
def test_the_copy_in_landing_is_compared_with_all_that_mysql_has(whole: Lake) -> None:
    words = ("verify", "-t", str(whole.table), "--checksum")
    done = whole.run(*words)
    assert done.code == 0, done.out + done.err
    assert "landing was compared" in done.out + done.err
    whole.sandbox.mysql(f"UPDATE {whole.table.table} SET ID = 4 WHERE ID = 3")
    assert whole.run(*words).code == 3


@pytest.mark.fault(159)
def test_restored_is_the_newest_copy_and_no_row_of_one_before(whole: Lake, tmp_path: Path) -> None:
    for words, ids in (((), [2, 2, 3]), (("--as-of", "2025-08-03 04:30:00"), [1, 2, 2])):
        file = tmp_path / f"{len(words)}.parquet"
        done = whole.run("restore", "-t", str(whole.table), "--to-file", str(file), *words)
        assert done.code == 0, done.err
        rows = duckdb.read_parquet(str(file)).order("ID").fetchall()
        assert [number for number, _ in rows] == ids


@pytest.mark.fault(160)
def test_a_table_without_rows_is_one_to_every_command(lake: Lake) -> None:
    lake.commit(lake.file(rows=0))
    for words in (
        ("explore",),
        ("watermark", "list"),
        ("s3clean", "list"),
        ("external-table", "-t", str(lake.table)),
        ("inspect", "-t", str(lake.table)),
    ):
        done = lake.run(*words)
        assert done.code == 0, (words, done.err)
        assert lake.table.table in done.out, words


@pytest.mark.fault(160)
def test_a_rebuild_leaves_the_file_without_rows_to_the_load(lake: Lake) -> None:
    """The backup writes no other one while the table has none."""
    lake.load(lake.file())
    lake.commit(lake.file(rows=0, batch=2))
    done = lake.run("rebuild", str(lake.table), "--yes")
    assert done.code == 0, done.err
    (shown,) = lake.run("watermark", "get", "-t", str(lake.table), "--format", "json").json
    assert shown["files_waiting"] == 1
    assert lake.bookmarks(Leg.LOAD)[lake.table.stream].get("manifests") is None

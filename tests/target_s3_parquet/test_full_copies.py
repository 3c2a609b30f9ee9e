"""A full copy is committed when it is whole, and never by another table's STATE."""

from __future__ import annotations

import uuid
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fullcopies import ORDERS, TABLES, CopyTap, records
from hypothesis import HealthCheck, example, given, settings
from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.types.column_type import ColumnType
from tidemark_singer.files.batch_file import BatchFile

if TYPE_CHECKING:
    from tests.target_s3_parquet.conftest import Feed, Lake, Say

Message = dict[str, Any]
COLUMNS = {"id": ColumnType("int64")}
SOME = settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)


@pytest.mark.fault(127)
@pytest.mark.parametrize("form", ["record", "batch"])
@SOME
@given(order=ORDERS)
@example(order=[("part", 0), ("row", 0), ("part", 1), ("whole", 0), ("again", 1), ("whole", 1)])
@example(order=[("part", 0), ("again", 0), ("part", 0), ("row", 0)])
def test_of_a_full_copy_all_is_committed_or_nothing(
    lake: Lake, feed: Feed, say: Say, tmp_path: Path, form: str, order: list[tuple[str, int]]
) -> None:
    run = uuid.uuid4().hex[:8]
    *copied, other = (f"shop-{run}{number}" for number in range(TABLES + 1))

    def schema(stream: str) -> Message:
        say.stream = stream
        return say.schema(COLUMNS)

    def files(stream: str, ids: list[int], _: int | None, has_more: bool) -> list[Message]:
        path = tmp_path / f"{uuid.uuid4().hex}.parquet"
        pq.write_table(pa.table({"id": pa.array(ids, pa.int64())}), path)
        more = {"has_more": True} if has_more else {}
        say.stream = stream
        return [say.batch(BatchFile.local(str(path), rows=len(ids), **more))]

    is_batch = form == "batch"
    tap = CopyTap(copied, other, schema, files if is_batch else records, as_files=is_batch)
    tap.follow(order)
    failed: list[TidemarkError] = []
    try:
        feed(*tap.messages, s3_commit_rows=1, batch_size_rows=3)
    except TidemarkError as error:
        failed = list(error.of_tables)
    assert {error.table for error in failed} == {s.replace("-", ".") for s in tap.cut_off}
    for stream, copies in tap.whole.items():
        assert sorted(commits(lake, stream)) == sorted(copies)
    assert sorted(chain(*commits(lake, other))) == tap.rows


def commits(lake: Lake, stream: str) -> list[list[int]]:
    """The ids of each commit of a table."""
    return [
        [row["id"] for file in manifest.files for row in lake.parquet(file.key).read().to_pylist()]
        for manifest in lake.manifests(f"{stream.replace('-', '.')}/")
    ]


@pytest.mark.fault(127)
def test_a_held_copys_bookmark_stays_when_it_fails(lake: Lake, feed: Feed, say: Say) -> None:
    """A STATE of another table is passed on meanwhile, and claims nothing of the copy."""
    marks: dict[str, dict[str, str | int]] = {"shop-whole": {"at": "old"}}
    say.stream = "shop-whole"
    messages = [{"type": "STATE", "value": {"bookmarks": dict(marks)}}, say.schema(COLUMNS)]
    messages += records("shop-whole", [1], 7, True)
    say.stream = "shop-a"
    marks["shop-a"] = {"at": 2}
    state = {"type": "STATE", "value": {"bookmarks": dict(marks)}}
    messages += [say.schema(COLUMNS), *records("shop-a", [2], None, False), state]
    with pytest.raises(LakeError, match="ended in the middle of its full copy"):
        feed(*messages, s3_commit_rows=1)
    assert feed.passed[-1] == {"bookmarks": marks}
    assert commits(lake, "shop-whole") == []
    assert commits(lake, "shop-a") == [[2]]

"""A table without rows is known by one file, and no run after it writes another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import FULL_TABLE, INCREMENTAL, METHOD

if TYPE_CHECKING:
    from tests.target_s3_parquet.conftest import Feed, Lake, MakeFile, Say

pytestmark = pytest.mark.fault(160)
Message = dict[str, Any]


class Runs:
    """Runs of one table, an hour apart."""

    def __init__(self, feed: Feed, say: Say, make_file: MakeFile, method: str | None) -> None:
        self._feed, self._say, self._make_file = feed, say, make_file
        self.method = method
        self._moment = datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)

    def __call__(self, *ids: int, more: dict[str, ColumnType] | None = None, **config: Any) -> None:
        schema = self._say.schema(self._say.columns | (more or {}))
        if self.method:
            schema["schema"][METHOD] = self.method
        rows = self._say.orders(*ids)
        for name in more or {}:
            rows = rows.append_column(name, rows.column("id"))
        file = self._make_file(rows, extracted_at=self._moment.isoformat())
        self._moment += timedelta(hours=1)
        state = self._say.state(str(self._moment))
        assert self._feed(schema, self._say.batch(file), state, **config) == [state["value"]]


def told(lake: Lake) -> list[tuple[int, int, str | None]]:
    """Of each manifest: its files, its rows, and how they were read."""
    return [(len(m.files), m.rows, m.replication_method) for m in lake.manifests()]


@pytest.mark.parametrize("method", [None, INCREMENTAL, FULL_TABLE])
@pytest.mark.parametrize("layout", [{}, {"s3_partition_columns": {"shop.orders": "update_at"}}])
def test_only_what_is_new_of_an_empty_table_is_written(
    lake: Lake,
    feed: Feed,
    say: Say,
    make_file: MakeFile,
    method: str | None,
    layout: Any,
    tmp_path: Any,
) -> None:
    run = Runs(feed, say, make_file, method)
    for _ in range(3):
        run(**layout)
    assert told(lake) == [(1, 0, method)]
    assert len(lake.keys("incremental/")) == 1
    (manifest,) = lake.manifests()
    assert lake.parquet(manifest.files[0].key).schema_arrow.names == list(say.columns)
    for _ in range(2):
        run(more={"late": ColumnType("int64")}, **layout)
    assert told(lake) == [(1, 0, method)] * 2
    run(7, more={"late": ColumnType("int64")}, **layout)
    assert told(lake)[-1] == (1, 1, method)
    for _ in range(2):
        run(more={"late": ColumnType("int64")}, **layout)
    # Of a full copy it means that the rows are gone; of anything else, that there are no new ones.
    assert told(lake)[3:] == ([(1, 0, method)] if method == FULL_TABLE else [])
    assert list(tmp_path.glob("*.parquet")) == [], "what is not taken is removed too"


def test_a_table_that_is_read_whole_from_now_on_is_empty_anew(
    lake: Lake, feed: Feed, say: Say, make_file: MakeFile
) -> None:
    run = Runs(feed, say, make_file, INCREMENTAL)
    run()
    run.method = FULL_TABLE
    run()
    assert told(lake) == [(1, 0, INCREMENTAL), (1, 0, FULL_TABLE)]


@pytest.mark.fault(171)
@pytest.mark.parametrize("layout", [{}, {"s3_partition_columns": {"shop.orders": "update_at"}}])
def test_a_full_copy_in_records_of_which_no_row_comes_is_a_copy_too(
    lake: Lake, feed: Feed, say: Say, layout: Any
) -> None:
    def run(version: int, *ids: int, method: str = FULL_TABLE) -> None:
        schema, state = say.schema(), say.state(version)
        schema["schema"][METHOD] = method
        rows = [say.record(id=number) | {"version": version} for number in ids]
        whole = {"type": "ACTIVATE_VERSION", "stream": say.stream, "version": version}
        assert feed(schema, *rows, whole, state, **layout) == [state["value"]]

    run(1, method=INCREMENTAL)
    assert told(lake) == []
    for version in (2, 3):
        run(version)
    assert told(lake) == [(1, 0, FULL_TABLE)]
    run(4, 7)
    for version in (5, 6):
        run(version)
    assert told(lake) == [(1, rows, FULL_TABLE) for rows in (0, 1, 0)]

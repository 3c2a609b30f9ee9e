"""`reconcile`: rows that are gone from MySQL are marked, and verify knows the marks."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import redshift_connector
from tap_s3_parquet.index import Index
from tidemark.runner.leases import hold_job
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.compare.keys.key_values import copied_keys
from tidemark.services.compare.keys.row_keys import RowKey, row_key
from tidemark.services.verify.gone_rows import GoneRows
from tidemark_core.errors import StateError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.redshift.connection import connect
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import LOG_BASED, ROW_METADATA, to_json_schema

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


#: dbt's user, who owns the public tables.
BUILDER = "tidemark_transformer"
MARKS = "SELECT row_key, found_at, run_id FROM landing.tidemark_deletions WHERE source_table = %s"


def marks(lake: Lake) -> dict[str, tuple[Any, ...]]:
    """When and by whom each key was marked, as dbt's user reads it."""
    exists = "SELECT 1 FROM svv_tables WHERE table_name = 'tidemark_deletions'"
    if not lake.sandbox.warehouse(exists):
        return {}
    rows = lake.sandbox.warehouse(MARKS, [str(lake.table)], user="tidemark_transformer")
    return {key: tuple(rest) for key, *rest in rows}


def delete(lake: Lake, *ids: int) -> None:
    listed = ", ".join(map(str, ids))
    lake.sandbox.mysql(f"DELETE FROM {lake.table.table} WHERE ID IN ({listed})")


def verify(lake: Lake, *more: str) -> tuple[int, str]:
    done = lake.run("verify", "-t", str(lake.table), *more)
    return done.code, done.out + done.err


def reconcile(lake: Lake, *more: str) -> Any:
    done = lake.run("reconcile", "-t", str(lake.table), "--format", "json", *more)
    assert done.code == 0, done.err
    (table,) = done.json["tables"]
    return table


@pytest.mark.fault(15)
def test_rows_deleted_in_the_source_are_marked_and_verify_shows_them(copied: Lake) -> None:
    table = f"SELECT * FROM public.{copied.table.table} ORDER BY id"
    before = copied.sandbox.warehouse(table)
    delete(copied, 3, 7)
    code, text = verify(copied, "--checksum")
    assert code == 3
    assert f"public has 10 rows, MySQL has 8: tidemark reconcile -t {copied.table}" in text
    assert "first keys: 3, 7" in text
    done = copied.run("reconcile", "-t", str(copied.table), "--yes")
    assert done.code == 0, done.err
    assert "3, 7" in done.out
    assert set(marks(copied)) == {"3", "7"}
    code, text = verify(copied, "--checksum")
    assert code == 0, text
    (found,) = copied.run("verify", "-t", str(copied.table), "--format", "json").json
    assert (found["source"], found["public"], found["deleted"]) == (8, 10, 2)
    # Nothing else has changed, and dbt's user can tell which rows are left.
    assert copied.sandbox.warehouse(table) == before
    living = copied.sandbox.warehouse(
        f"SELECT count(*) FROM public.{copied.table.table} WHERE cast(id AS varchar) NOT IN "
        "(SELECT row_key FROM landing.tidemark_deletions WHERE source_table = %s)",
        [str(copied.table)],
        user=BUILDER,
    )
    assert living == [(8,)]


@pytest.mark.fault(206)
def test_rows_that_public_keeps_are_told_as_deleted_and_not_compared(
    copied: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside those that are marked, each of them counted once; also before the build shows them."""
    delete(copied, 3, 7)
    assert verify(copied)[0] == 3
    copied.keep(monkeypatch, 3)
    done = copied.run("reconcile", "-t", str(copied.table), "--yes")
    follows = (
        f"deleted_at in public will be updated by tidemark-dbt build --select {copied.landing}"
    )
    assert follows in done.out + done.err
    assert sorted(marks(copied)) == ["3", "7"]
    copied.sandbox.warehouse("DELETE FROM landing.tidemark_deletions WHERE row_key = '3'")
    for _ in range(2):
        code, text = verify(copied, "--checksum", "--format", "json")
        (told,) = json.loads(text)
        assert (code, told["verdict"], told["deleted"]) == (0, "agrees", 2)
        copied.sandbox.warehouse(
            f"UPDATE public.{copied.table.table} SET deleted_at = '2025-08-03' WHERE id = 7",
            user=BUILDER,
        )


@pytest.mark.fault(15)
def test_marking_again_keeps_the_marks_as_they_are(copied: Lake) -> None:
    delete(copied, 3)
    reconcile(copied, "--yes")
    first = marks(copied)
    delete(copied, 4)
    again = reconcile(copied, "--yes")
    assert (again["deleted"], again["new"], again["back"], again["first"]) == (2, 1, 0, ["4"])
    assert marks(copied)["3"] == first["3"]
    assert marks(copied)["4"][1] != first["3"][1]  # the run that found it
    second = marks(copied)
    done = copied.run("reconcile", "-t", str(copied.table))
    assert done.code == 0, done.err  # asks nothing: there is nothing to change
    assert "Nothing to change" in done.out
    assert marks(copied) == second


@pytest.mark.fault(15)
def test_the_mark_of_a_row_that_is_back_goes(copied: Lake) -> None:
    delete(copied, 3, 7)
    reconcile(copied, "--yes")
    copied.sandbox.mysql(
        f"INSERT INTO {copied.table.table} VALUES (3, 'état 3', 3.50, '2025-08-03 12:03:00')"
    )
    code, text = verify(copied, "--checksum")
    assert code == 3
    assert "public has 10 rows, 2 of them marked as deleted, MySQL has 9" in text
    assert f"tidemark reconcile -t {copied.table}" in text
    assert "first keys: 3 " in text
    assert reconcile(copied, "--yes")["back"] == 1
    assert set(marks(copied)) == {"7"}
    assert verify(copied, "--checksum")[0] == 0


@pytest.mark.fault(15)
def test_what_no_mark_explains_still_differs(copied: Lake) -> None:
    delete(copied, 3)
    reconcile(copied, "--yes")
    delete(copied, 5)
    code, text = verify(copied, "--checksum")
    assert code == 3
    assert "1 of them marked as deleted, MySQL has 8" in text
    assert "first keys: 5 " in text


def test_other_tables_marks_are_left_alone(copied: Lake) -> None:
    delete(copied, 3)
    reconcile(copied, "--yes")
    other = TableName("settlement", f"{copied.table.table}b")
    copied.sandbox.warehouse(
        "INSERT INTO landing.tidemark_deletions VALUES (%s, '3', getdate(), 'run')",
        [str(other)],
        user="tidemark_loader",
    )
    copied.sandbox.mysql(
        f"INSERT INTO {copied.table.table} VALUES (3, 'état 3', 3.50, '2025-08-03 12:03:00')"
    )
    reconcile(copied, "--yes")
    assert marks(copied) == {}
    assert copied.sandbox.warehouse(MARKS, [str(other)])


def test_a_dry_run_shows_what_would_be_marked_and_marks_nothing(copied: Lake) -> None:
    delete(copied, 2)
    found = reconcile(copied, "--dry-run")
    assert (found["rows"], found["new"], found["first"]) == (10, 1, ["2"])
    assert marks(copied) == {}


def test_it_asks_first(copied: Lake) -> None:
    delete(copied, 2)
    done = copied.run("reconcile", "-t", str(copied.table))
    assert done.code == 2
    assert "--yes" in done.err
    assert marks(copied) == {}


def test_no_mark_is_changed_while_a_job_is_at_work(copied: Lake) -> None:
    delete(copied, 2)
    with hold_job(copied.project, "the night"):
        done = copied.run("reconcile", "-t", str(copied.table), "--yes")
    assert done.code == 4
    assert "the night" in done.err
    assert marks(copied) == {}


@pytest.mark.security(18)
def test_an_analyst_does_not_read_the_marks(copied: Lake) -> None:
    delete(copied, 2)
    reconcile(copied, "--yes")
    with pytest.raises(redshift_connector.Error, match="permission denied"):
        copied.sandbox.warehouse(MARKS, [str(copied.table)], user="tidemark_analyst")


def test_tables_that_cannot_be_looked_at_are_named_or_left_out(copied: Lake) -> None:
    other = TableName("settlement", f"{copied.table.table}b")
    copied.commit(copied.file(table=other), table=other)
    done = copied.run("reconcile", "-t", str(other))
    assert done.code == 2
    assert str(other) in done.err
    assert "there is no public table for it" in done.err
    done = copied.run("reconcile", "--format", "json")
    assert done.code == 0, done.err
    assert set(done.json) == {"run_id", "changed", "tables", "late", "left_out"}
    (table,) = done.json["tables"]
    assert set(table) == {"table", "rows", "deleted", "new", "back", "first"}
    assert list(done.json["left_out"]) == [str(other)]
    copied.sandbox.warehouse(
        f"CREATE TABLE public.{other.table} (id BIGINT)", user="tidemark_transformer"
    )
    done = copied.run("reconcile", "-t", str(other))
    assert done.code == 2
    assert "MySQL does not have it" in done.err
    copied.sandbox.warehouse(f"DROP TABLE public.{other.table}", user="tidemark_transformer")


@pytest.mark.fault(190)
def test_rows_of_a_table_that_is_read_by_the_log_get_tombstones(
    copied: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go into the lake as the backup's own, newer than what was read before; no mark does."""
    place = {"file": "binlog.000001", "offset": 4, "gtid": "", "server": "x", "flavor": "mariadb"}
    own = {
        "version": 1, "table": str(copied.table), "replication_method": LOG_BASED, "key": ["ID"],
        "columns": ["ID", "status"], "shapes": {}, "epoch": "2025-08-03T12:00:00.000000",
        "read_at": "2100-01-01T00:00:00.000000",
        "position": place | {"created": 0},
    }  # fmt: skip
    bookmark = {"tidemark": own}
    index = Index(copied.project.location)
    first = index.read(index.manifests(copied.table)[-1])
    schema = {"properties": {**first.columns, **ROW_METADATA}}
    later = first.extracted_at + timedelta(days=1)
    copied.commit(moment=later, schema=schema, bookmark=bookmark, method=LOG_BASED)
    copied.bookmark(Leg.BACKUP, bookmark)
    assert reconcile(copied, "--yes")["deleted"] == 0
    delete(copied, 3, 7)
    shown = reconcile(copied, "--dry-run")
    assert (shown["deleted"], shown["new"], list(shown["first"])) == (2, 2, ["3", "7"])
    assert copied.bookmarks(Leg.BACKUP)[copied.table.stream] == bookmark
    reconcile(copied, "--yes")
    assert marks(copied) == {}
    newest = index.read(index.manifests(copied.table)[-1])
    (file,) = newest.files
    answer = copied.project.s3.get_object(Bucket=copied.project.bucket, Key=file.key)
    rows = pq.read_table(io.BytesIO(answer["Body"].read())).to_pylist()
    at = datetime(2100, 1, 1, 0, 0, 0, 1)
    found = [(r["ID"], r["status"], r["_sdc_extracted_at"], r["_sdc_deleted_at"]) for r in rows]
    assert sorted(found) == [(3, None, at, at), (7, None, at, at)]
    moved = own | {"read_at": "2100-01-01T00:00:00.000001"}
    assert copied.bookmarks(Leg.BACKUP)[copied.table.stream] == {"tidemark": moved}
    assert newest.bookmark == {"tidemark": moved}
    copied.keep(monkeypatch, 3, 7)
    shown = reconcile(copied, "--dry-run")
    assert (shown["rows"], shown["deleted"], shown["new"]) == (8, 0, 0), "public says so already"


@pytest.mark.fault(223)
def test_a_key_is_the_day_that_the_warehouse_has_however_old(lake: Lake) -> None:
    """A tombstone of another day would leave the row where it is."""
    name, user = lake.table.table, "tidemark_transformer"
    days = ["0001-01-01", "1000-01-01", "1500-02-28", "1582-10-10", "1611-12-31", "9999-12-31"]
    lake.sandbox.warehouse(f"CREATE TABLE public.{name} (day DATE)", user=user)
    rows = ", ".join(f"('{day}')" for day in days)
    lake.sandbox.warehouse(f"INSERT INTO public.{name} VALUES {rows}", user=user)
    key = RowKey(lake.table, "public", name, (("day", ColumnType("date")),))
    with connect(lake.project.reader) as copy:
        read = sorted(copied_keys(copy, key, days))
    assert read == [(date.fromisoformat(day),) for day in days]


@pytest.mark.fault(190)
def test_no_tombstone_is_written_when_a_backup_has_come_in_between(lake: Lake) -> None:
    """A row may be back that was gone when MySQL was asked."""
    schema = {"properties": {"ID": to_json_schema(ColumnType("int64"))}}
    now = datetime.now(UTC)
    newest = Manifest(lake.table, "run", 1, now, schema, ("ID",), ())
    gone = GoneRows(newest, {}, row_key(newest, "public", "x"), ["1"], [(1,)])
    with pytest.raises(StateError, match="a backup ran in between"):
        gone.write(lake.project, States(lake.project), now, "run")
    assert lake.keys() == set()

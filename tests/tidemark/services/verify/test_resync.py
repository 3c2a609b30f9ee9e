"""tidemark resync: a gap in the log is healed by comparing rows; nothing is passed over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.values.key_values import unpack
from tap_s3_parquet.index import Index
from tidemark.config.tables.selection import Rules
from tidemark.runner.leases import hold_job
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.compare.content import ranges
from tidemark.services.compare.content.eligibility import NotCompared, comparisons
from tidemark.services.verify import resync as module
from tidemark.services.verify import settled
from tidemark.services.verify.resync import resync
from tidemark.services.verify.settled import is_settled
from tidemark.source.mysql import open_mysql
from tidemark_core.errors import ConfigError, StateError
from tidemark_core.s3.lease import Lease
from tidemark_core.types.singer_schema import LOG_BASED, ROW_METADATA

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

READ_AT = "2100-01-01T00:00:00.000000"


@pytest.fixture
def gap(copied: Lake) -> Lake:
    """The table that stands alike everywhere, read by the log, with a bookmark that is no more."""
    place = {"file": "gone.000001", "offset": 4, "gtid": "", "server": "x", "flavor": "mariadb"}
    own = {
        "version": 1, "table": str(copied.table), "replication_method": LOG_BASED, "key": ["ID"],
        "columns": ["ID", "status", "price", "update_at"], "epoch": "2025-08-03T12:00:00.000000",
        "read_at": READ_AT, "position": place | {"created": 0},
    }  # fmt: skip
    index = Index(copied.project.location)
    first = index.read(index.manifests(copied.table)[-1])
    schema = {"properties": {**first.columns, **ROW_METADATA}}
    later = first.extracted_at + timedelta(days=1)
    copied.commit(moment=later, schema=schema, bookmark={"tidemark": own}, method=LOG_BASED)
    copied.bookmark(Leg.BACKUP, {"tidemark": own}, other={"replication_key": "x"})
    return copied


def bookmark(lake: Lake) -> dict[str, Any]:
    own: dict[str, Any] = lake.bookmarks(Leg.BACKUP)[lake.table.stream]["tidemark"]
    return own


def change(lake: Lake) -> None:
    """What happens while nobody reads the log."""
    for statement in (
        "UPDATE {} SET status = 'other' WHERE ID = 1",
        "UPDATE {} SET price = NULL, update_at = update_at WHERE ID = 2",
        "DELETE FROM {} WHERE ID IN (3, 4)",
        "INSERT INTO {} VALUES (77, 'new', 1, '2025-08-03 13:00:00')",
        "UPDATE {} SET ID = 88 WHERE ID = 5",
    ):
        lake.sandbox.mysql(statement.format(lake.table.table))


@pytest.mark.fault(194)
@pytest.mark.parametrize("size", [3, 100_000])
def test_what_differs_is_read_again_from_a_position_before_the_look(
    gap: Lake, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(gap)
    before = bookmark(gap)
    with open_mysql(gap.project.mysql) as mysql:
        end = mysql.log_end()
    look = ranges._Pair.look

    def changed_meanwhile(self: Any, part: Any) -> Any:
        """A row that changes behind the look, of which the log tells behind the position."""
        found = look(self, part)
        gap.sandbox.mysql(f"UPDATE {gap.table.table} SET price = price + 1 WHERE ID = 0")
        return found

    monkeypatch.setattr(ranges._Pair, "look", changed_meanwhile)
    in_slices = partial(ranges.differing_rows, size=size)
    monkeypatch.setattr(module, "differing_rows", in_slices)
    found = resync(gap.project, gap.table, write=True)
    assert (found.missing, found.extra, found.changed) == (2, 3, 2)
    after = bookmark(gap)
    assert sorted(unpack(key) or () for key in after["again"]) == [
        (1,), (2,), (3,), (4,), (5,), (77,), (88,),
    ]  # fmt: skip
    position = after["position"]
    assert (position["file"], position["offset"]) == (end.file, end.offset)
    assert after["read_at"] == "2100-01-01T00:00:00.000001", "newer than whatever was read before"
    assert after["shapes"].keys() == {*before["columns"]}, "what an ALTER has done is seen"
    for kept in ("epoch", "columns", "key", "table"):
        assert after[kept] == before[kept]
    assert gap.bookmarks(Leg.BACKUP)["other"] == {"replication_key": "x"}


@pytest.mark.fault(206)
def test_rows_that_public_keeps_are_missing_if_mysql_has_them_and_else_let_be(
    gap: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    gap.keep(monkeypatch, 3, 5)
    gap.sandbox.mysql(f"DELETE FROM {gap.table.table} WHERE ID IN (3, 4)")
    found = resync(gap.project, gap.table, write=True)
    assert (found.missing, found.extra, found.changed) == (1, 1, 0)
    assert sorted(unpack(key) or () for key in bookmark(gap)["again"]) == [(4,), (5,)]


@pytest.mark.fault(194)
def test_a_look_that_is_not_written_or_ends_early_leaves_the_bookmark(
    gap: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(gap)
    before = gap.bookmarks(Leg.BACKUP)
    assert resync(gap.project, gap.table, write=False).changed == 2
    assert gap.bookmarks(Leg.BACKUP) == before

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    for where in ("source_keys", "copied_keys", "source_time"):
        with monkeypatch.context() as patch:
            patch.setattr(module, where, killed)
            with pytest.raises(KeyboardInterrupt):
                resync(gap.project, gap.table, write=True)
        assert gap.bookmarks(Leg.BACKUP) == before
    resync(gap.project, gap.table, write=True)
    once = bookmark(gap)["again"]
    resync(gap.project, gap.table, write=True)
    assert bookmark(gap)["again"] == once, "repeated, with the same keys"


@pytest.mark.fault(194)
def test_what_cannot_be_compared_whole_is_not_called_healed(
    gap: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(gap)
    before = gap.bookmarks(Leg.BACKUP)
    monkeypatch.setattr(module, "_MOST", 5)
    with pytest.raises(ConfigError, match="more than 5 of its rows differ") as caught:
        resync(gap.project, gap.table, write=True)
    assert "tidemark watermark reset -t" in str(caught.value.hint)
    left = [NotCompared("column status", "only the length")]
    compared = comparisons
    monkeypatch.setattr(module, "comparisons", lambda facts: (compared(facts)[0], left))
    with pytest.raises(ConfigError, match="column status: only the length"):
        resync(gap.project, gap.table, write=True)
    assert gap.bookmarks(Leg.BACKUP) == before


@pytest.mark.fault(194)
def test_a_column_that_public_does_not_have_is_named_with_the_way_into_it(gap: Lake) -> None:
    before = gap.bookmarks(Leg.BACKUP)
    drop = f"ALTER TABLE public.{gap.landing} DROP COLUMN price"
    gap.sandbox.warehouse(drop, user="tidemark_transformer")
    with pytest.raises(ConfigError, match="does not have price, so differences") as caught:
        resync(gap.project, gap.table, write=True)
    assert f"tidemark add {gap.table}" in str(caught.value.hint)
    assert gap.bookmarks(Leg.BACKUP) == before


@pytest.mark.fault(194)
def test_tables_that_have_no_gap_are_refused_with_the_fitting_command(
    gap: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = gap.run("resync", "-t", "partner_info")
    assert done.code == 2
    assert "tidemark reconcile -t settlement.partner_info" in done.err
    own = bookmark(gap)
    gap.bookmark(Leg.BACKUP, {"tidemark": own | {"first_load": {"left": [[None, None]]}}})
    with pytest.raises(ConfigError, match="its first load is not finished"):
        resync(gap.project, gap.table, write=True)
    gap.bookmark(Leg.BACKUP, {"tidemark": own | {"position": {}}})
    with pytest.raises(StateError, match="damaged"):
        resync(gap.project, gap.table, write=True)
    gap.bookmark(Leg.BACKUP, None)
    with pytest.raises(ConfigError, match="never backed up"):
        resync(gap.project, gap.table, write=True)
    rules = Rules((), {gap.table.stream: {"replication-method": LOG_BASED}})
    monkeypatch.setattr(Rules, "read", lambda _: rules)
    gap.sandbox.warehouse(
        f"ALTER TABLE public.{gap.table.table} RENAME TO x{gap.table.table}",
        user="tidemark_transformer",
    )
    try:
        gap.bookmark(Leg.BACKUP, {"tidemark": own})
        shown = gap.run("resync", "-t", str(gap.table), "--dry-run")
        assert (shown.code, "no public table" in shown.err) == (2, True)
    finally:
        gap.sandbox.warehouse(
            f"ALTER TABLE public.x{gap.table.table} RENAME TO {gap.table.table}",
            user="tidemark_transformer",
        )
    shown = gap.run("resync", "-t", str(gap.table), "--dry-run")
    assert (shown.code, "nothing differs" in shown.out) == (0, True)
    assert datetime.fromisoformat(bookmark(gap)["read_at"]) == datetime.fromisoformat(READ_AT)


# -- what it leaves to others


@pytest.fixture
def build(gap: Lake) -> Iterator[Callable[[int], object]]:
    """Has dbt remember that it has built a load."""
    dbt, loads = "tidemark_transformer", f"tidemark_dbt.{gap.landing}__loads"
    gap.sandbox.warehouse("CREATE SCHEMA IF NOT EXISTS tidemark_dbt")
    gap.sandbox.warehouse(f"GRANT ALL ON SCHEMA tidemark_dbt TO {dbt}")
    run = partial(gap.sandbox.warehouse, user=dbt)
    run(f"CREATE TABLE {loads} (load_id BIGINT)")
    yield lambda load: run(f"INSERT INTO {loads} VALUES ({load})")
    run(f"DROP TABLE {loads}")


@pytest.fixture
def legs(gap: Lake, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Has the command run no legs; whether MySQL would be read, of each of its runs of them."""
    begun, job = list[bool](), gap.project.layout.job_lease_key()

    def run(*_: Any, backup: bool, **__: Any) -> None:
        begun.append(backup)
        assert not Lease.is_free(gap.project.s3, gap.project.bucket, job), "held"

    monkeypatch.setattr("tidemark.commands.repair.resync.run_and_tell", run)
    monkeypatch.setattr(module, "refuse_other_methods", lambda *_: None)
    return begun


@pytest.mark.fault(194)
def test_the_lake_is_loaded_and_built_before_the_look_unless_it_is_already(
    gap: Lake, legs: list[bool], build: Callable[[int], object]
) -> None:
    assert gap.run("resync", "-t", str(gap.table)).code == 0
    assert legs == [False, True]
    build(1)
    assert is_settled(gap.project, gap.table)
    legs.clear()
    assert gap.run("resync", "-t", str(gap.table)).code == 0
    assert legs == [True]


@pytest.mark.fault(194)
def test_it_is_not_settled_before_all_is_loaded_and_built(
    gap: Lake, build: Callable[[int], object]
) -> None:
    build(1)
    assert is_settled(gap.project, gap.table)
    own = bookmark(gap)
    late = gap.file(batch=9)
    later = datetime(2025, 8, 7, tzinfo=UTC)
    gap.commit(late, moment=later, bookmark={"tidemark": own}, method=LOG_BASED)
    assert not is_settled(gap.project, gap.table), "a file waits"
    gap.load(late, load_id=9)
    assert not is_settled(gap.project, gap.table), "a load waits"
    build(9)
    assert is_settled(gap.project, gap.table)


@pytest.mark.fault(194)
@pytest.mark.parametrize("reads", [True, False])
def test_while_a_follower_is_running_it_reads_what_differs_or_else_the_command_does(
    gap: Lake, legs: list[bool], build: Callable[[int], object],
    monkeypatch: pytest.MonkeyPatch, reads: bool,
) -> None:  # fmt: skip
    build(1)
    change(gap)
    project = gap.project
    if not reads:
        monkeypatch.setattr(settled, "_PATIENCE", 0.2)
    key = project.layout.follow_lease_key()

    def follow() -> None:
        """Reads the rows as soon as the lease of jobs is free."""
        while not (own := bookmark(gap)).get("again"):
            time.sleep(0.05)
        with hold_job(project, "the follower's round"):
            gap.bookmark(Leg.BACKUP, {"tidemark": own | {"again": []}})

    with Lease.acquire(project.s3, project.bucket, key, owner="tidemark follow"):
        follower = threading.Thread(target=follow)
        if reads:
            follower.start()
        done = gap.run("resync", "-t", str(gap.table))
        if reads:
            follower.join()
    assert done.code == 0
    assert legs == ([] if reads else [True])

"""What a table holds after loads that come in every order, twice, late, and cut off."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from transform_project import EPOCH, Dbt, Landing, Query

TABLE = "partner_info"
TEN = datetime(2026, 1, 1, 10)


def partner(key: int, name: str, update_at: datetime | None = TEN, **more: object) -> dict:
    return {"id": key, "partner_id": key, "partner_name": name, "update_at": update_at, **more}


def names(query: Query, table: str = TABLE) -> dict[int, str]:
    return dict(query(f"select id, partner_name from public.{table}", user="tidemark_transformer"))


def merge(dbt: Dbt, *arguments: str, check: bool = True):
    return dbt("run", "--select", TABLE, *arguments, check=check)


def test_a_new_version_replaces_the_old_one_and_the_rest_stays(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(1, "a"), partner(2, "b")])
    merge(dbt)
    landing.load(TABLE, [partner(1, "a2", TEN + timedelta(seconds=1)), partner(3, "c")])
    merge(dbt)
    assert names(query) == {1: "a2", 2: "b", 3: "c"}


def test_only_rows_of_new_loads_are_touched_and_a_repeat_touches_none(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(key, "a") for key in range(500)])
    assert merge(dbt).rows(TABLE) == 500
    landing.load(TABLE, [partner(key, "b", TEN + timedelta(1)) for key in range(7)])
    assert merge(dbt).rows(TABLE) == 7
    assert merge(dbt).rows(TABLE) == 0
    built = query(
        f"select count(*), sum(row_count) from tidemark_dbt.{TABLE}__loads",
        user="tidemark_transformer",
    )
    assert tuple(built[0]) == (2, 507)


def test_an_older_version_that_is_loaded_late_changes_nothing(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(1, "new", TEN)])
    merge(dbt)
    landing.load(TABLE, [partner(1, "old", TEN - timedelta(seconds=1))])
    assert merge(dbt).rows(TABLE) == 0
    assert names(query) == {1: "new"}


def test_a_tie_goes_to_the_later_reading_even_if_that_was_loaded_first(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(1, "read at 11")], extracted=EPOCH + timedelta(hours=11))
    merge(dbt)
    landing.load(TABLE, [partner(1, "read at 10")], extracted=EPOCH + timedelta(hours=10))
    merge(dbt)
    assert names(query) == {1: "read at 11"}


def test_a_row_without_a_replication_key_is_older_than_one_with(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(1, "without", None), partner(2, "without", None)])
    merge(dbt)
    landing.load(TABLE, [partner(1, "with", datetime(1, 1, 1)), partner(2, "again", None)])
    merge(dbt)
    landing.load(TABLE, [partner(1, "without", None)])
    merge(dbt)
    assert names(query) == {1: "with", 2: "again"}


def test_a_file_that_is_loaded_again_changes_nothing(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    rows = [partner(1, "a"), partner(2, "b")]
    landing.load(TABLE, rows, extracted=TEN)
    merge(dbt)
    landing.load(TABLE, [partner(1, "a2", TEN + timedelta(1))])
    merge(dbt)
    landing.load(TABLE, rows, extracted=TEN)
    merge(dbt)
    assert names(query) == {1: "a2", 2: "b"}


def test_a_deleted_row_goes_and_does_not_come_back_from_an_older_load(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(1, "a"), partner(2, "b")], extracted=TEN)
    merge(dbt)
    landing.load(TABLE, [partner(1, "a", _sdc_deleted_at=TEN)], extracted=TEN + timedelta(hours=2))
    merge(dbt)
    assert names(query) == {2: "b"}
    landing.load(TABLE, [partner(1, "a")], extracted=TEN + timedelta(hours=1))
    merge(dbt)
    assert names(query) == {2: "b"}
    landing.load(TABLE, [partner(1, "back", TEN + timedelta(1))])
    merge(dbt)
    assert names(query) == {1: "back", 2: "b"}


def test_rows_without_a_ledger_entry_were_never_committed(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [partner(1, "a")])
    query(
        f"insert into landing.{TABLE} (id, partner_name, update_at, _tidemark_load_id)"
        " values (9, 'orphan', '2026-01-01', 5)",
        user="tidemark_loader",
    )
    merge(dbt)
    merge(dbt, "--full-refresh")
    assert names(query) == {1: "a"}


def test_a_run_that_is_killed_in_the_middle_changes_nothing_and_is_made_good(
    landing: Landing, dbt_env: dict[str, str], dbt: Dbt, query: Query, sandbox, tmp_path
) -> None:
    landing.load(TABLE, [partner(1, "a")])
    merge(dbt)
    landing.load(TABLE, [partner(1, "a2", TEN + timedelta(1)), partner(2, "b")])
    blocker = sandbox.redshift.connect("tidemark_transformer")
    blocker.autocommit = False
    try:
        blocker.cursor().execute(f"delete from tidemark_dbt.{TABLE}__versions where id = 1")
        doomed = Dbt(dbt_env, tmp_path)
        doomed.start("run", "--select", TABLE)
        waiting = "select count(*) from pg_locks where not granted"
        deadline = time.monotonic() + 30
        while not query(waiting)[0][0] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert query(waiting)[0][0], "dbt does not wait where it should be stopped"
        doomed.process.kill()
        doomed.process.wait()
        doomed.close()
    finally:
        blocker.rollback()
        blocker.close()
    assert names(query) == {1: "a"}
    assert merge(dbt).rows(TABLE) == 2
    assert names(query) == {1: "a2", 2: "b"}

"""The whole pipeline, as the operator runs it, in the order of a life: each test goes on where the
one before it stopped."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from projects.nights import Night
from tap_mysql.settings import SETTINGS
from tidemark_sandbox.world import PartName, Sandbox

DELIVERIES = "settlement_normal_delivery_detail"
TABLES = {
    DELIVERIES,
    "settlement_claim_detail",
    "settlement_return_detail",
    "partner_info",
    "billing_summary",
    "delivery_status",
}


def landed(sandbox: Sandbox) -> int:
    ((rows,),) = sandbox.warehouse("SELECT sum(row_count) FROM landing.tidemark_loads")
    return int(rows)


def rows_within_lookback(sandbox: Sandbox) -> int:
    """Rows that a run reads again: as far before the newest as the tap's settings say."""
    settings = {setting.name: setting.default for setting in SETTINGS}
    seconds, ids = settings["backup_lookback_seconds"], settings["backup_lookback_ids"]
    edges = [
        f"SELECT count(*) FROM `{table}` WHERE update_at >= "
        f"(SELECT max(update_at) - INTERVAL {seconds} SECOND FROM `{table}`)"
        for table in TABLES - {"delivery_status"}
    ]
    edges.append(
        "SELECT count(*) FROM delivery_status "
        f"WHERE ID >= (SELECT max(ID) - {ids} FROM delivery_status)"
    )
    return sum(int(sandbox.mysql(edge)[0][0]) for edge in edges)


def bookmarks(night: Night) -> dict[str, dict[str, Any]]:
    """By stream, without the server's name for itself: a world that was copied has another one."""
    shown = night.meltano("state", "get", "prod:tap-mysql-to-target-s3-parquet")
    marks = json.loads(shown.stdout.splitlines()[-1])["singer_state"]["bookmarks"]
    for mark in marks.values():
        mark["tidemark"].pop("server")
    return dict(marks)


@pytest.fixture(scope="module")
def sandbox(synced: tuple[Sandbox, Night]) -> Sandbox:
    return synced[0]


@pytest.fixture(scope="module")
def night(synced: tuple[Sandbox, Night]) -> Night:
    return synced[1]


def test_a_first_sync_brings_every_row_to_the_views(night: Night, sandbox: Sandbox) -> None:
    verified = night.tidemark("verify")
    assert verified.returncode == 0, verified.stdout
    for table in TABLES:
        ((source,),) = sandbox.mysql(f"SELECT count(*) FROM `{table}`")
        ((public,),) = sandbox.warehouse(f"SELECT count(*) FROM public.{table}")
        assert public == source, table
    ((parcels,),) = sandbox.mysql(f"SELECT count(DISTINCT ant_parcel_no) FROM {DELIVERIES}")
    ((seen,),) = sandbox.warehouse("SELECT count(*) FROM public.settlement_latest_delivery_status")
    assert seen == parcels


def test_a_sync_with_nothing_new_writes_and_loads_nothing(night: Night, sandbox: Sandbox) -> None:
    files, rows, before = night.objects("incremental/"), landed(sandbox), bookmarks(night)
    done = night.meltano("run", "sync")
    assert done.returncode == 0, done.stdout
    assert night.objects("incremental/") == files
    assert night.objects("staging/") == set()
    assert landed(sandbox) == rows
    assert bookmarks(night) == before


def test_after_a_change_only_the_changed_rows_move(night: Night, sandbox: Sandbox) -> None:
    rows, edge = landed(sandbox), rows_within_lookback(sandbox)
    changed = sandbox.change(40, seed=3)
    done = night.meltano("run", "sync")
    assert done.returncode == 0, done.stdout
    verified = night.tidemark("verify")
    assert verified.returncode == 0, verified.stdout
    moved = landed(sandbox) - rows
    # A row that commits late may hide among those within the lookback, so these move once more.
    total = sum(sum(counts.values()) for counts in changed.values())
    assert total <= moved <= total + edge
    newest = sandbox.mysql(
        f"SELECT ID, latest_status FROM {DELIVERIES} ORDER BY update_at DESC, ID DESC LIMIT 1"
    )[0]
    assert (
        sandbox.warehouse(
            f"SELECT id, latest_status FROM public.{DELIVERIES} WHERE id = {newest[0]}"
        )[0]
        == newest
    )


@pytest.mark.fault(103)
def test_a_sync_by_hand_builds_all_tables_but_the_one_that_it_names(
    night: Night, sandbox: Sandbox
) -> None:
    sandbox.change(5, seed=11)
    grant = "select on landing.partner_info"
    sandbox.warehouse(f"revoke {grant} from tidemark_transformer", user="tidemark_loader")
    try:
        failed = night.tidemark("sync")
    finally:
        sandbox.warehouse(f"grant {grant} to tidemark_transformer", user="tidemark_loader")
    assert failed.returncode == 1, failed.stdout
    told = [line.split() for line in failed.stdout.splitlines()]
    built = {words[2]: words[0] for words in told if words[1:2] == ["build"]}
    assert built == {
        f"settlement.{table}": "failed" if table == "partner_info" else "ok" for table in TABLES
    }, failed.stdout
    assert "permission denied" in failed.stdout
    mended = night.tidemark("sync", "-t", "settlement.partner_info")
    assert mended.returncode == 0, mended.stdout


def test_without_the_bastion_a_sync_fails_at_once_by_its_name(
    night: Night, sandbox: Sandbox
) -> None:
    before, files = bookmarks(night), night.objects("incremental/")
    sandbox.bastion.stop()
    try:
        start = time.monotonic()
        done = night.meltano("run", "sync")
        took = time.monotonic() - start
    finally:
        sandbox.up()
    assert done.returncode != 0
    assert "bastion" in done.stdout
    assert sandbox.env()["SSH_BASTION_PORT"] in done.stdout
    assert took < 90, "it was not tried again and again"
    assert bookmarks(night) == before
    assert night.objects("incremental/") == files


@pytest.mark.parametrize("part", ["mariadb", "bastion", "s3", "postgres", "warehouse"])
def test_a_killed_part_is_healed_by_up_and_the_data_is_there(
    part: PartName, night: Night, sandbox: Sandbox
) -> None:
    sandbox.kill(part)
    sandbox.up()
    verified = night.tidemark("verify")
    assert verified.returncode == 0, verified.stdout

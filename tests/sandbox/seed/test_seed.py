from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.seed.ddl import TABLES
from tidemark_sandbox.seed.history import KNOWN_PARCEL
from tidemark_sandbox.seed.words import HARD_TEXTS, STATUSES
from tidemark_sandbox.world import Sandbox

ROWS = 3_000
DELIVERY = "settlement_normal_delivery_detail"
KEYED = [table.name for table in TABLES if "update_at" in table.columns]


@pytest.fixture(scope="module")
def seeded(world: Sandbox) -> Sandbox:
    world.seed(ROWS, seed=3)
    return world


def checksums(world: Sandbox) -> dict[str, object]:
    names = ", ".join(f"`{table.name}`" for table in TABLES)
    return dict(world.mysql(f"CHECKSUM TABLE {names}"))


def test_the_counts_are_true_and_in_proportion(world: Sandbox) -> None:
    counts = world.seed(ROWS, seed=3)
    assert counts == {
        table.name: world.mysql(f"SELECT COUNT(*) FROM `{table.name}`")[0][0] for table in TABLES
    }
    assert counts[DELIVERY] == counts["delivery_status"] == ROWS
    assert all(count >= 40 for count in counts.values())


def test_seeding_again_gives_the_same_data_and_leaves_nothing_behind(seeded: Sandbox) -> None:
    now = datetime(2026, 5, 4, tzinfo=UTC)
    seeded.seed(500, seed=9, now=now)
    before = checksums(seeded)
    seeded.mysql(f"DELETE FROM `{DELIVERY}` LIMIT 100")
    seeded.seed(500, seed=9, now=now)
    assert checksums(seeded) == before
    databases = {name for (name,) in seeded.mysql("SHOW DATABASES")}
    assert databases >= {"settlement"}
    assert "settlement_seed" not in databases
    assert not any((seeded.config.dir / "mariadb" / "exchange").iterdir())
    seeded.seed(ROWS, seed=3)


def test_a_seed_that_was_cut_off_does_not_hinder_the_next(seeded: Sandbox) -> None:
    seeded.mysql("CREATE DATABASE settlement_seed")
    seeded.mysql("CREATE TABLE settlement_seed.partner_info (a INT)")
    seeded.seed(ROWS, seed=3)


def test_too_few_rows_are_refused(seeded: Sandbox) -> None:
    with pytest.raises(SandboxError, match="at least 100"):
        seeded.seed(10)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_tables_have_their_columns_and_keys(seeded: Sandbox, table: object) -> None:
    assert isinstance(table, type(TABLES[0]))
    (row,) = seeded.mysql(f"SHOW CREATE TABLE `{table.name}`")
    for name, definition in table.columns.items():
        kind = definition.split(" COMMENT")[0].split(" NOT NULL")[0].split(" DEFAULT")[0]
        kind = {"INT": "int(11)", "BIGINT": "bigint(20)", "SMALLINT": "smallint(6)"}.get(kind, kind)
        assert f"`{name}` {kind.lower()}" in row[1].lower().replace(
            f"`{name.lower()}`", f"`{name}`"
        )
    for key in table.keys:
        assert key.replace(", ", ",") in row[1]


def test_texts_arrive_as_they_were_meant(seeded: Sandbox) -> None:
    found = {
        value
        for name, column in (
            (DELIVERY, "consignee_address"),
            (DELIVERY, "consignee_name"),
            (DELIVERY, "reference_number"),
            ("delivery_status", "note"),
        )
        for (value,) in seeded.mysql(f"SELECT `{column}` FROM `{name}`")
    }
    assert set(HARD_TEXTS) <= found
    assert None in found


def test_the_database_agrees_on_what_the_data_are_like(seeded: Sandbox) -> None:
    (facts,) = seeded.mysql(
        "SELECT COUNT(DISTINCT latest_status), MIN(rows_), MAX(rows_), MAX(newest), MIN(oldest),"
        " SUM(no_key) FROM (SELECT MAX(latest_status) latest_status, COUNT(*) rows_,"
        " MAX(GREATEST(create_at, update_at)) newest, MIN(create_at) oldest,"
        f" SUM(update_at IS NULL) no_key FROM `{DELIVERY}`"
        " WHERE ant_parcel_no IS NOT NULL GROUP BY ant_parcel_no) parcels"
    )
    _, fewest, most, newest, oldest, without_key = facts
    now = seeded.mysql("SELECT UTC_TIMESTAMP()")[0][0]
    assert (fewest, most, without_key) == (1, 6, 0)
    assert now - timedelta(hours=5) < newest <= now
    assert now - timedelta(days=740) < oldest < now - timedelta(days=700)
    statuses = seeded.mysql(f"SELECT DISTINCT latest_status FROM `{DELIVERY}`")
    assert {status for (status,) in statuses} == {*STATUSES, None}
    assert seeded.mysql("SELECT COUNT(*) FROM partner_info WHERE is_active = 2") == [(1,)]


def test_the_known_parcel_ends_delivered(seeded: Sandbox) -> None:
    rows = seeded.mysql(
        f"SELECT latest_status FROM `{DELIVERY}` WHERE ant_parcel_no = %s"
        " ORDER BY COALESCE(update_at, create_at), create_at, ID",
        [KNOWN_PARCEL],
    )
    assert len(rows) > 1
    assert rows[-1] == ("DELIVERED",)


def test_bills_add_up(seeded: Sandbox) -> None:
    wrong = seeded.mysql(
        "SELECT COUNT(*) FROM billing_summary WHERE net_amount <> gross_amount"
        " + adjustment_amount + tax_amount"
    )
    assert wrong == [(0,)]
    total = seeded.mysql("SELECT SUM(parcel_count) FROM billing_summary")[0][0]
    assert total == ROWS


def test_null_keys_on_demand(seeded: Sandbox) -> None:
    seeded.seed(ROWS, seed=3, null_keys=True)
    ((count,),) = seeded.mysql(f"SELECT COUNT(*) FROM `{DELIVERY}` WHERE update_at IS NULL")
    assert 0 < count < ROWS * 0.005
    seeded.seed(ROWS, seed=3)

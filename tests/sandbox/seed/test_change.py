from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pymysql.connections import Connection
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.seed.ddl import TABLES
from tidemark_sandbox.seed.words import STATUSES
from tidemark_sandbox.world import Sandbox

DELIVERY = "settlement_normal_delivery_detail"


@pytest.fixture(scope="module")
def seeded(world: Sandbox) -> Sandbox:
    world.seed(1_000, seed=4)
    return world


def counts(world: Sandbox) -> dict[str, int]:
    return {
        table.name: world.mysql(f"SELECT COUNT(*) FROM `{table.name}`")[0][0] for table in TABLES
    }


def test_what_it_says_is_what_it_did(seeded: Sandbox) -> None:
    before = counts(seeded)
    (start,) = seeded.mysql("SELECT UTC_TIMESTAMP()")[0]
    done = seeded.change(100, seed=1)
    assert counts(seeded) == {
        name: count + done[name]["inserted"] + done[name]["late"] for name, count in before.items()
    }
    for name, did in done.items():
        if name == "delivery_status":
            assert did == {"inserted": done[DELIVERY]["inserted"], "updated": 0, "late": 1}
            continue
        touched = seeded.mysql(f"SELECT COUNT(*) FROM `{name}` WHERE update_at >= %s", [start])
        assert did["inserted"] + did["updated"] >= touched[0][0] > 0, name
    assert 40 < done[DELIVERY].pop("inserted") <= 80  # fewer go on when fewer are on their way
    assert done[DELIVERY] == {"updated": 20, "late": 1}


@pytest.mark.parametrize("minutes", [2, 15])
def test_the_late_row_is_behind_what_was_there_before_it(seeded: Sandbox, minutes: int) -> None:
    for table, moment in ((DELIVERY, "update_at"), ("delivery_status", "create_at")):
        ((before,),) = seeded.mysql(f"SELECT MAX(ID) FROM `{table}`")
        seeded.change(20, late_minutes=minutes)
        written = seeded.mysql(
            f"SELECT `{moment}` FROM `{table}` WHERE ID > %s ORDER BY ID", [before]
        )
        # The first of the new ids, so behind by id as well as by time.
        (late,), *others = written
        assert {each for (each,) in others} == {late + timedelta(minutes=minutes)}


def test_the_late_transaction_commits_after_the_others(
    seeded: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []

    def commit(connection: Connection[Any]) -> None:
        thread = connection.thread_id()  # type: ignore[no-untyped-call]
        commits.append((thread, counts(seeded)[DELIVERY]))
        original(connection)

    original = Connection.commit
    monkeypatch.setattr(Connection, "commit", commit)
    before = counts(seeded)[DELIVERY]
    done = seeded.change(20)[DELIVERY]
    (prompt, seen_first), (late, seen_then) = commits
    assert prompt != late
    assert seen_first == before  # nothing is seen before the first commit
    assert seen_then == before + done["inserted"]  # the late row is not there yet
    assert counts(seeded)[DELIVERY] == seen_then + 1


def test_parcels_go_on_in_the_order_of_a_life(seeded: Sandbox) -> None:
    seeded.change(50, seed=2)
    pairs = seeded.mysql(
        "SELECT previous_status, status FROM delivery_status WHERE previous_status IS NOT NULL"
        " ORDER BY ID DESC LIMIT 20"
    )
    assert all(status in STATUSES and status != before for before, status in pairs)
    assert not {before for before, _ in pairs} & {"DELIVERED", "RETURNED"}


def test_one_row_is_enough(seeded: Sandbox) -> None:
    done = seeded.change(1)
    assert done[DELIVERY]["late"] == 1
    assert done[DELIVERY]["inserted"] >= 1
    assert done[DELIVERY]["updated"] >= 1


def test_day_after_day(seeded: Sandbox) -> None:
    for _ in range(5):
        seeded.change(40)
    ((parcels, latest),) = seeded.mysql(
        f"SELECT COUNT(DISTINCT ant_parcel_no), MAX(update_at) <= UTC_TIMESTAMP() FROM `{DELIVERY}`"
    )
    assert parcels > 300
    assert latest == 1


def test_an_empty_table_says_what_to_do(seeded: Sandbox) -> None:
    seeded.mysql(f"TRUNCATE `{DELIVERY}`")
    with pytest.raises(SandboxError, match="seed"):
        seeded.change()

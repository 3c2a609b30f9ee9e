"""A full refresh gives the same table from all that landing holds, never fewer rows in silence."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from dbt_project.project import Dbt, DbtResult, Landing, Query

TABLE = "settlement_normal_delivery_detail"
TEN = datetime(2026, 1, 1, 10)


def delivery(
    key: int, parcel: str | None, status: str, update_at: datetime = TEN
) -> dict[str, object]:
    return {
        "id": key,
        "billing_num": "B1",
        "partner_id": 7,
        "customer_id": 1,
        "ant_parcel_no": parcel,
        "latest_status": status,
        "net_price": "12.50",
        "create_at": TEN,
        "update_at": update_at,
    }


def held(query: Query) -> list[tuple[object, ...]]:
    return sorted(
        tuple(row)
        for row in query(
            f"select id, latest_status, update_at from public.{TABLE}",
            user="tidemark_transformer",
        )
    )


def refresh(dbt: Dbt, *arguments: str, check: bool = True) -> DbtResult:
    return dbt("run", "--select", TABLE, "--full-refresh", *arguments, check=check)


def test_it_gives_what_the_runs_before_gave(landing: Landing, dbt: Dbt, query: Query) -> None:
    for day in range(3):
        landing.load(
            TABLE, [delivery(k, f"P{k}", f"S{day}", TEN + timedelta(day)) for k in range(day, 5)]
        )
        dbt("run", "--select", TABLE)
    before = held(query)
    assert refresh(dbt).rows(TABLE) == 5
    assert held(query) == before


@pytest.mark.parametrize("lost", ["row", pytest.param("version", marks=pytest.mark.soak)])
def test_it_refuses_to_lose_what_landing_no_longer_has(
    landing: Landing, dbt: Dbt, query: Query, lost: str
) -> None:
    """Fault 64, and an old load retired from landing."""
    landing.load(TABLE, [delivery(1, "P1", "IN_TRANSIT"), delivery(2, "P2", "IN_TRANSIT")])
    newest = landing.load(TABLE, [delivery(1, "P1", "DELIVERED", TEN + timedelta(1))])
    dbt("run", "--select", TABLE)
    before = held(query)
    condition = "id = 2" if lost == "row" else f"_tidemark_load_id = {newest}"
    query(f"delete from landing.{TABLE} where {condition}", user="tidemark_loader")
    result = refresh(dbt, check=False)
    assert not result.success
    assert f"no longer has 1 of its rows (the first: id = {2 if lost == 'row' else 1})" in str(
        result[TABLE]["message"]
    )
    assert held(query) == before

    refresh(dbt, "--vars", "accept_incomplete_landing: true")
    assert [row[0] for row in held(query)] == ([1] if lost == "row" else [1, 2])


def test_a_table_that_was_dropped_by_hand_is_not_rebuilt_with_fewer_rows(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [delivery(1, "P1", "DELIVERED")])
    dbt("run", "--select", TABLE)
    query(f"drop table public.{TABLE}", user="tidemark_transformer")
    query(f"delete from landing.{TABLE}", user="tidemark_loader")
    result = dbt("run", "--select", TABLE, check=False)
    assert not result.success
    dbt("run", "--select", TABLE, "--vars", "accept_incomplete_landing: true")
    assert held(query) == []


def test_loads_that_were_retired_before_they_were_built_are_told(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    landing.load(TABLE, [delivery(1, "P1", "IN_TRANSIT")])
    dbt("run", "--select", TABLE)
    gone = landing.load(TABLE, [delivery(2, "P2", "IN_TRANSIT")])
    landing.load(TABLE, [delivery(3, "P3", "IN_TRANSIT")])
    query(f"delete from landing.{TABLE} where _tidemark_load_id = {gone}", user="tidemark_loader")
    result = dbt("run", "--select", TABLE, check=False)
    assert f"1 of its loads (the first: {gone})" in str(result[TABLE]["message"])
    assert [row[0] for row in held(query)] == [1]


@pytest.mark.parametrize(
    "flag", [["--empty"], pytest.param(["--empty", "--full-refresh"], marks=pytest.mark.soak)]
)
def test_a_run_on_a_part_of_the_rows_is_refused(
    landing: Landing, dbt: Dbt, query: Query, flag: list[str]
) -> None:
    landing.load(TABLE, [delivery(1, "P1", "DELIVERED")])
    result = dbt("run", "--select", TABLE, *flag, check=False)
    assert "is built from whole loads" in str(result[TABLE]["message"])
    dbt("run", "--select", TABLE)
    assert [row[0] for row in held(query)] == [1]


def test_people_can_query_the_views_all_through_it(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    """Faults 63 and 65: data, grants and others' bound views outlive a refresh of everything."""
    landing.load(TABLE, [delivery(key, f"P{key}", "DELIVERED") for key in range(200)])
    dbt("run", "--select", f"{TABLE}+")
    query("drop view if exists public.of_a_consumer", user="tidemark_transformer")
    query(
        f"create view public.of_a_consumer as select id from public.{TABLE}",
        user="tidemark_transformer",
    )
    done, seen, errors = threading.Event(), [], []

    def read() -> None:
        while not done.is_set():
            try:
                rows = query(
                    "select count(*) from public.settlement_latest_delivery_status",
                    user="tidemark_analyst",
                )
                seen.append(rows[0][0])
            except Exception as error:  # noqa: BLE001 - looked at by the test
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        dbt("run", "--select", f"{TABLE}+", "--full-refresh")
    finally:
        done.set()
        reader.join()
    assert not errors
    assert len(seen) > 3
    assert set(seen) == {200}
    assert query("select count(*) from public.of_a_consumer")[0][0] == 200
    query("drop view public.of_a_consumer", user="tidemark_transformer")

"""Any history of loads: the incremental result, the full refresh and an oracle in Python agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from dbt_project.project import EPOCH, Dbt, Landing, Query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TABLE = "settlement_return_detail"


@dataclass(frozen=True)
class Version:
    """A version of a row as one reading of the source found it."""

    key: int
    changed: int | None
    read: int
    deleted: bool

    @property
    def text(self) -> str:
        """What MySQL had then: the same row, change and reading always give the same content."""
        return f"{self.key}/{self.changed}/{self.read}"

    def row(self) -> dict[str, object]:
        when = EPOCH + timedelta(hours=self.read)
        changed = None if self.changed is None else EPOCH + timedelta(minutes=self.changed)
        return {
            "id": self.key,
            "ant_parcel_no": "P",
            "return_reason": self.text,
            "update_at": changed,
            "_sdc_extracted_at": when,
            "_sdc_deleted_at": when if self.deleted else None,
        }


keys = st.integers(1, 6)
versions = st.builds(
    lambda key, changed, read: Version(key, changed, read, (key + (changed or 0) + read) % 5 == 0),
    keys,
    st.none() | st.integers(0, 4),
    st.integers(0, 6),
)
#: Loads in the order of their commit: any reading may be loaded at any time, and again.
loads = st.lists(st.lists(versions, min_size=1, max_size=8, unique=True), min_size=1, max_size=7)
histories = st.tuples(loads, st.sets(st.integers(0, 6), max_size=3))


#: Loads, and after which of them everything is built.
Told = tuple[Sequence[Sequence[Version]], set[int]]


def oracle(history: Sequence[Sequence[Version]]) -> dict[int, str]:
    """Newest wins, told the slow way: one version after another, whatever its load."""
    newest: dict[int, Version] = {}
    for version in (version for load in history for version in load):
        held = newest.get(version.key)
        if held is None or order(version) >= order(held):
            newest[version.key] = version
    return {key: version.text for key, version in newest.items() if not version.deleted}


def order(version: Version) -> tuple[bool, int, int]:
    return (version.changed is not None, version.changed or 0, version.read)


def held(query: Query) -> dict[int, str]:
    return dict(query(f"select id, return_reason from public.{TABLE}", user="tidemark_transformer"))


def tell(
    landing: Landing,
    dbt: Dbt,
    query: Query,
    history: Told,
) -> None:
    told, builds = history
    landing.clear()
    for number, load in enumerate(told):
        landing.load(TABLE, [version.row() for version in load])
        if number in builds:
            dbt("run", "--select", TABLE)
            assert held(query) == oracle(told[: number + 1])
    dbt("run", "--select", TABLE)
    assert held(query) == oracle(told)
    dbt("run", "--select", TABLE, "--full-refresh")
    assert held(query) == oracle(told)


quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(
    max_examples=2, deadline=None, database=None, derandomize=True, suppress_health_check=quiet
)
@given(history=histories)
def test_some_histories(built: Landing, dbt: Dbt, query: Query, history: Told) -> None:
    tell(built, dbt, query, history)


@pytest.mark.soak
@settings(max_examples=50, deadline=None, suppress_health_check=quiet)
@given(history=histories)
def test_fifty_histories(built: Landing, dbt: Dbt, query: Query, history: Told) -> None:
    tell(built, dbt, query, history)

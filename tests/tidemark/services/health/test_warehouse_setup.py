"""`doctor`: what an administrator has chosen for the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tidemark.services.health import warehouse_setup
from tidemark.services.health.checks import Finding, Level
from tidemark.services.health.warehouse_setup import judge_case, judge_slices
from tidemark_core.redshift.connection import connect
from tidemark_core.redshift.errors import QueryError

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


def look(lake: Lake) -> list[Finding]:
    return list(warehouse_setup.check_warehouse_setup(lake.project))


def test_the_sandbox_is_set_up_as_a_new_cluster_is(lake: Lake) -> None:
    isolation, case, slices = look(lake)
    assert {f.level for f in (isolation, case, slices)} == {Level.OK}
    assert isolation.message.endswith(" is Snapshot Isolation")
    assert case.message == "all names are in lower case"
    assert slices.message == "2 slices, REDSHIFT_SLICES is 2"


def test_a_serializable_database_is_named_with_the_statement(lake: Lake) -> None:
    ((database,),) = lake.sandbox.warehouse("select current_database()")
    lake.sandbox.warehouse(f"alter database {database} isolation level serializable")
    try:
        found = look(lake)[0]
        assert (found.level, "1023" in found.message) == (Level.WARN, True)
        assert found.hint is not None
    finally:
        lake.sandbox.warehouse(f"alter database {database} isolation level snapshot")
    lake.sandbox.warehouse(f"alter database {database} isolation level serializable")
    lake.sandbox.warehouse(found.hint)
    assert look(lake)[0].level is Level.OK, "the statement did what it should"


def test_serverless_has_no_slices_to_count(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(lake.project.warehouse) as warehouse:
        assert warehouse_setup._slices(warehouse) == 2
        monkeypatch.setattr(warehouse_setup, "_SLICES", "SELECT count(*) FROM stv_wlm_nothing")
        assert warehouse_setup._slices(warehouse) is None
        warehouse.close()
        with pytest.raises(QueryError):
            warehouse_setup._slices(warehouse)


@pytest.mark.parametrize(
    ("found", "setting", "level"),
    [
        (2, 2, Level.OK),
        (2, 8, Level.OK),
        (4, 2, Level.WARN),
        (8, 12, Level.WARN),
        (None, 2, Level.OK),
    ],
)
def test_slices_that_stay_idle_are_told(found: int | None, setting: int, level: Level) -> None:
    finding = judge_slices(found, setting)
    assert finding.level is level
    assert finding.hint == (f"set REDSHIFT_SLICES={found}" if level is Level.WARN else None)


@pytest.mark.parametrize("shown", ["on", "TRUE", "off", "FALSE"])
def test_names_are_in_lower_case_either_way(shown: str) -> None:
    keeps = "keep their case" in judge_case(shown).message
    assert keeps == (shown in ("on", "TRUE"))

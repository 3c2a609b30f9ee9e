"""hard_delete in a contract, switched on and off for a table that exists."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from dbt_project.project import EPOCH, TRANSFORM, Dbt, Landing, Query

PARCELS, LATEST = "settlement_normal_delivery_detail", "settlement_latest_delivery_status"


@pytest.fixture
def switched(dbt: Dbt, dbt_env: Mapping[str, str], tmp_path: Path) -> Iterator[tuple[Dbt, Dbt]]:
    """The project with hard_delete: false for the parcels, and with true.

    The tables are the project's own again afterwards.
    """
    runners = [says(tmp_path, dbt_env, hard_delete=hard) for hard in (False, True)]
    yield runners[0], runners[1]
    for runner in runners:
        runner.close()
    dbt("run", "--full-refresh", "--select", PARCELS, f"{LATEST}+")


def says(folder: Path, env: Mapping[str, str], *, hard_delete: bool) -> Dbt:
    """A copy of the project with the setting, and the column, in the contract of the parcels."""
    project = folder / str(hard_delete)
    shutil.copytree(TRANSFORM, project, ignore=shutil.ignore_patterns("target", "logs"))
    file = project / f"models/tables/{PARCELS}.yml"
    told = yaml.safe_load(file.read_text())
    (model,) = told["models"]
    model["config"]["meta"]["hard_delete"] = hard_delete
    column = {"name": "deleted_at", "data_type": "timestamp", "description": "When it was deleted."}
    model["columns"].append(column)
    file.write_text(json.dumps(told))
    return Dbt(env, project / "target", project)


@pytest.mark.fault(205)
def test_the_setting_is_switched_on_and_off(
    switched: tuple[Dbt, Dbt], dbt: Dbt, landing: Landing, query: Query
) -> None:
    """And a row that is kept is the latest of no parcel."""

    def row(key: int, parcel: str, hour: int, *, deleted: bool = False) -> dict[str, object]:
        at = EPOCH + timedelta(hours=hour)
        told = {"id": key, "update_at": at, "_sdc_extracted_at": at}
        return {**told, "_sdc_deleted_at": at} if deleted else {**told, "ant_parcel_no": parcel}

    def held() -> dict[int, datetime | None]:
        return dict(query(f"select id, deleted_at from public.{PARCELS}"))

    def latest() -> set[tuple[int, str]]:
        return {(i, p) for i, p in query(f"select id, ant_parcel_no from public.{LATEST}")}

    def at(hour: int) -> datetime:
        return EPOCH + timedelta(hours=hour)

    on, off = switched
    build = ("run", "--select", PARCELS, LATEST)
    landing.load(PARCELS, [row(1, "P", 1), row(2, "P", 2), row(3, "Q", 1), row(4, "R", 1)])
    landing.load(PARCELS, [row(4, "R", 2, deleted=True)])
    dbt(*build)
    landing.load(PARCELS, [row(2, "P", 3, deleted=True), row(3, "Q", 3, deleted=True)])
    on(*build)
    assert held() == {1: None, 2: at(3), 3: at(3)}, "what was removed before is not back"
    assert latest() == {(1, "P")}
    on("test", "--select", "every_parcel_has_a_latest_row")
    off(*build)
    assert held() == {1: None}
    landing.load(PARCELS, [row(1, "P", 4, deleted=True), row(5, "P", 4)])
    on(*build)
    assert held() == {1: at(4), 5: None}
    assert latest() == {(5, "P")}
    refused = dbt(*build, check=False)
    assert "deleted_at (no longer in it). Rebuild it" in refused[PARCELS]["message"]
    dbt(*build, "--full-refresh")
    assert query(f"select id from public.{PARCELS}") == [(5,)]
    compiled = dbt.target / f"compiled/tidemark/models/views/settlement/{LATEST}.sql"
    assert "deleted" not in compiled.read_text()

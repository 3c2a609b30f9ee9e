"""What goes wrong in dbt, and how it says so (faults 59, 103, 104)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dbt_project.project import TRANSFORM, Dbt, Landing, Query

ROW = {"id": 1, "partner_id": 1, "partner_name": "a", "update_at": "2026-01-01 10:00:00"}


def dbt_command(
    env: dict[str, str], parsed: Dbt, tmp_path: Path, *arguments: str, project: Path = TRANSFORM
) -> subprocess.CompletedProcess[str]:
    """Runs dbt itself, which begins with what another one has parsed."""
    shutil.copy(parsed.target / "partial_parse.msgpack", tmp_path)
    return subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *arguments],
        cwd=project,
        env=os.environ | env | {"DBT_TARGET_PATH": str(tmp_path), "DBT_LOG_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.fault(59)
def test_a_key_that_is_there_twice_is_reported(landing: Landing, dbt: Dbt, query: Query) -> None:
    for _ in range(2):
        query(
            "insert into public.partner_info (id, partner_id) values (5, 5)",
            user="tidemark_transformer",
        )
    result = dbt("test", "--select", "partner_info,test_name:unique", check=False)
    assert not result.success
    assert "FAIL 1 unique_partner_info_id" in result.output


@pytest.mark.fault(103)
def test_a_failed_run_leaves_landing_and_says_so_by_its_exit_code(
    landing: Landing, dbt: Dbt, dbt_env: dict[str, str], query: Query, tmp_path: Path
) -> None:
    landing.load("partner_info", [ROW])
    query(
        "revoke select on landing.partner_info from tidemark_transformer",
        user="tidemark_loader",
    )
    try:
        done = dbt_command(dbt_env, dbt, tmp_path, "run", "--select", "partner_info")
    finally:
        query(
            "grant select on landing.partner_info to tidemark_transformer",
            user="tidemark_loader",
        )
    assert done.returncode == 1
    assert "permission denied" in done.stdout
    assert query("select count(*) from landing.partner_info")[0][0] == 1
    assert dbt("run", "--select", "partner_info").rows("partner_info") == 1


def test_rows_that_an_upsert_took_out_of_an_older_load_are_not_missed(
    landing: Landing, dbt: Dbt, dbt_env: dict[str, str], query: Query, tmp_path: Path
) -> None:
    """Two loads of one row between two builds: landing has the row of the second one alone."""
    older = landing.load("partner_info", [ROW])
    landing.load("partner_info", [ROW | {"partner_name": "b", "update_at": "2026-01-01 11:00:00"}])
    query(
        f"delete from landing.partner_info where _tidemark_load_id = {older}",
        user="tidemark_loader",
    )
    env = dbt_env | {"LOAD_METHOD": "upsert"}
    done = dbt_command(env, dbt, tmp_path, "run", "--select", "partner_info")
    assert done.returncode == 0, done.stdout
    assert query("select partner_name from public.partner_info") == [("b",)]


@pytest.mark.fault(104)
def test_a_breach_of_contract_names_model_and_column(
    landing: Landing, dbt: Dbt, dbt_env: dict[str, str], query: Query, tmp_path: Path
) -> None:
    project = tmp_path / "transform"
    shutil.copytree(TRANSFORM, project, ignore=shutil.ignore_patterns("target", "logs"))
    model = project / "models" / "tables" / "partner_info.yml"
    model.write_text(
        model.read_text().replace(
            "name: region, data_type: 'varchar(256)'", "name: region, data_type: 'integer'"
        )
    )
    select = "run", "--select", "partner_info"
    done = dbt_command(dbt_env, dbt, tmp_path, *select, project=project)
    assert done.returncode == 1
    assert "This model has an enforced contract that failed" in done.stdout
    assert "region" in done.stdout


@pytest.mark.fault(104)
def test_old_data_is_named_by_its_source(landing: Landing, dbt: Dbt, query: Query) -> None:
    landing.load("partner_info", [ROW])
    query(
        "update landing.tidemark_loads set loaded_at = dateadd(day, -3, getdate())",
        user="tidemark_loader",
    )
    result = dbt("source", "freshness", check=False)
    assert not result.success
    assert "ERROR STALE freshness of landing.tidemark_loads" in result.output


def test_a_warehouse_out_of_reach_ends_the_run_with_code_2(
    built: Landing, dbt: Dbt, dbt_env: dict[str, str], tmp_path: Path
) -> None:
    done = dbt_command(dbt_env | {"REDSHIFT_PORT": "9"}, dbt, tmp_path, "run")
    assert done.returncode == 2
    assert "Connection refused" in done.stdout

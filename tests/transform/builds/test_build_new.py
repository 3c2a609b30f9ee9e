"""The nightly build on a warehouse: it builds and tests what is new, and lets nothing slip.

On a copy of the project with two of its tables, in schemas of its own: a whole build is short.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from dbt_project.project import ROOT, TRANSFORM, Landing, Query
from tidemark_sandbox.world import Sandbox

KEPT = ("partner_info", "delivery_status")
#: Reads no table that a selection could find it by.
LEDGER_TEST = "every_landing_row_has_a_ledger_entry"
DBT_RUNS = "Running with dbt"


@dataclass
class Nightly:
    """``tidemark-dbt`` on the copy."""

    project: Path
    env: Mapping[str, str]

    def __call__(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the environment, ``tidemark-dbt build-new`` if none is given."""
        command, *rest = words or ("tidemark-dbt", "build-new")
        return subprocess.run(
            [str(ROOT / ".venv/bin" / command), *rest],
            cwd=self.project,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    def did(self) -> set[str]:
        """Names of the models and tests of the last dbt run."""
        results = json.loads((self.project / "target" / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".")[2] for result in results}


@pytest.fixture(scope="module")
def nightly(
    sandbox: Sandbox, query: Query, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nightly]:
    project = tmp_path_factory.mktemp("nightly") / "transform"
    shutil.copytree(TRANSFORM, project, ignore=shutil.ignore_patterns("target", "logs", "views"))
    shutil.rmtree(project / "analyses")
    for folder in ("models/tables/settlement", "tests/settlement"):
        shutil.rmtree(project / folder)
    for path in (project / "tests").glob("*.*"):
        if path.stem not in ("_landing", LEDGER_TEST):
            path.unlink()
    for path in (project / "models").glob("tables/*.sql"):
        if path.stem not in KEPT:
            path.unlink()
            path.with_suffix(".yml").unlink()
    env = {name: os.environ[name] for name in ("PATH", "HOME")} | sandbox.env()
    env |= {"REDSHIFT_SCHEMA": "dev_night", "DBT_USE_COLORS": "false"}
    database, user = env["REDSHIFT_DATABASE"], "tidemark_transformer"
    query(f"grant create on database {database} to {user}")
    yield Nightly(project, env)
    for schema in ("dev_night", "dev_night_tidemark_dbt"):
        query(f"drop schema if exists {schema} cascade", user=user)
    query(f"revoke create on database {database} from {user}")


@pytest.fixture(scope="module")
def loads(sandbox: Sandbox, query: Query) -> Landing:
    landing = Landing(query)
    landing.create()
    landing.clear()
    landing.load("partner_info", [partner(1)])
    landing.load("delivery_status", [event(1)])
    return landing


def partner(key: int, partner_id: int | None = 1) -> dict[str, object]:
    return {"id": key, "partner_id": partner_id, "update_at": "2026-01-01"}


def event(key: int) -> dict[str, object]:
    return {"id": key, "ant_parcel_no": f"P{key}", "status": "DELIVERED"}


def test_the_first_build_is_whole(nightly: Nightly, loads: Landing, query: Query) -> None:
    done = nightly()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything: no full build has succeeded yet" in done.stdout
    assert {"partner_info", "delivery_status"} <= nightly.did()
    assert query("select id from dev_night.partner_info") == [(1,)]


def test_dbt_is_not_started_when_nothing_is_new(nightly: Nightly, loads: Landing) -> None:
    done = nightly()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to build" in done.stdout
    assert DBT_RUNS not in done.stdout


def test_a_load_that_fails_its_tests_is_tested_until_it_passes(
    nightly: Nightly, loads: Landing, query: Query
) -> None:
    loads.load("partner_info", [partner(2, partner_id=None)])
    failed = nightly()
    assert failed.returncode == 1, failed.stdout
    assert "new loads: loads not built and tested yet: partner_info (1)" in failed.stdout
    assert query("select count(*) from dev_night.partner_info") == [(2,)], "it is built"
    loads.load("partner_info", [partner(2, partner_id=2)])
    mended = nightly()
    assert mended.returncode == 0, mended.stdout
    assert "partner_info (2)" in mended.stdout
    did = nightly.did()
    assert "not_null_partner_info_partner_id" in did
    assert {"partner_info", LEDGER_TEST} <= did
    assert not [name for name in did if "delivery_status" in name]
    assert "Nothing to build" in nightly().stdout


def test_a_load_that_plain_dbt_has_built_without_tests_is_tested(
    nightly: Nightly, loads: Landing, dbt_env: Mapping[str, str]
) -> None:
    loads.load("delivery_status", [event(2)])
    by_hand = nightly("dbt", "run", "--select", "delivery_status", **dbt_env)
    assert by_hand.returncode == 0, by_hand.stdout
    done = nightly()
    assert "tested yet: delivery_status (1)" in done.stdout
    assert "unique_delivery_status_id" in nightly.did()


def test_a_table_that_was_dropped_is_made_again(
    nightly: Nightly, loads: Landing, query: Query
) -> None:
    table = "dev_night.partner_info"
    query(f"drop table {table}", user="tidemark_transformer")
    done = nightly()
    assert f"everything: {table} is missing" in done.stdout, done.stdout
    assert query(f"select count(*) from {table}", user="tidemark_transformer") == [(2,)]


@pytest.mark.soak
def test_meltano_invoke_builds_everything_and_the_night_knows(
    nightly: Nightly, loads: Landing, tmp_path: Path
) -> None:
    model = nightly.project / "models" / "tables" / "partner_info.sql"
    model.write_text(model.read_text() + "\n-- changed\n")
    done = nightly(
        "meltano",
        *("invoke", "dbt:build"),
        MELTANO_PROJECT_ROOT=str(ROOT),
        MELTANO_SYS_DIR_ROOT=str(tmp_path),
        DBT_PROJECT_DIR=str(nightly.project),
        DBT_PROFILES_DIR=str(nightly.project),
    )
    assert done.returncode == 0, done.stdout
    assert DBT_RUNS in done.stdout
    assert "Nothing to build" in nightly().stdout


def test_build_new_takes_no_options(nightly: Nightly) -> None:
    done = nightly("tidemark-dbt", "build-new", "--select", "partner_info")
    assert done.returncode == 2
    assert "takes no options" in done.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"REDSHIFT_SSH_BASTION_HOST": "", "REDSHIFT_HOST": "127.0.0.1", "REDSHIFT_PORT": "1"},
            ["127.0.0.1:1/", "refused the connection", "correct REDSHIFT_PORT"],
        ),
        (
            {"REDSHIFT_HOST": "/nowhere/warehouse.sock"},
            ["bastion", "/nowhere/warehouse.sock", "check the server's host and port"],
        ),
        (
            {"REDSHIFT_SSH_BASTION_PORT": "1"},
            ["127.0.0.1:1", "REDSHIFT_SSH_BASTION_PORT"],
        ),
        (
            {"REDSHIFT_DBT_PASSWORD": "wrong-password"},
            ["refused user 'tidemark_transformer'", "REDSHIFT_DBT_PASSWORD"],
        ),
    ],
    ids=["directly", "behind the bastion", "the bastion", "the login"],
)
@pytest.mark.parametrize("command", ["build", "build-new"])
def test_a_warehouse_that_does_not_answer_is_told_before_dbt_starts(
    nightly: Nightly, command: str, settings: Mapping[str, str], words: list[str]
) -> None:
    done = nightly("tidemark-dbt", command, **settings)
    assert done.returncode == 2
    assert DBT_RUNS not in done.stdout
    for word in [*words, "dbt was not started", "Next: ", "tidemark doctor"]:
        assert word in done.stderr

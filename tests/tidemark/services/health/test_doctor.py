"""`doctor`: what it finds in the sources, in the project, and of itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.health import doctor
from tidemark.services.health.checks import Finding, Level, run_checks, worst
from tidemark_core.errors import ConfigError
from tidemark_core.names import quote_mysql
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


def test_doctor_finds_nothing_wrong_with_the_sandbox(lake: Lake, seeded: Sandbox) -> None:
    done = lake.run("doctor", "--format", "json")
    wrong = [f for f in done.json["findings"] if f["level"] == "ERROR"]
    assert wrong == []
    parts = {f["part"]: f["message"] for f in done.json["findings"]}
    assert "COPY reads the bucket" in parts["COPY role"]
    assert "anonymous access is denied" in [f["message"] for f in done.json["findings"]]
    assert "tidemark_transformer reads landing and builds in public" in parts["dbt's rights"]
    assert lake.keys("staging/") == set()
    tables = "SELECT 1 FROM pg_class WHERE relname = 'tidemark_doctor'"
    assert lake.sandbox.warehouse(tables) == []


def test_every_finding_that_is_not_good_names_what_to_do_next(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SSH_BASTION_KEY_PATH", "/nowhere")
    monkeypatch.setenv("REDSHIFT_SSH_BASTION_PORT", "1")
    for command in ("doctor", "status"):
        findings = lake.run(command, "--format", "json").json["findings"]
        wrong = [f for f in findings if f["level"] != "OK"]
        assert len(wrong) >= 3
        assert [f for f in wrong if not f["hint"]] == []


@pytest.mark.fault(14)
def test_doctor_names_a_replication_key_without_an_index(lake: Lake, seeded: Sandbox) -> None:
    seeded.mysql("ALTER TABLE partner_info RENAME INDEX update_at TO was_update_at")
    indexes = seeded.mysql(
        "SELECT index_name FROM information_schema.statistics WHERE table_schema = 'settlement' "
        "AND table_name = 'partner_info' AND column_name = 'update_at'"
    )
    for (index,) in indexes:
        seeded.mysql(f"ALTER TABLE partner_info DROP INDEX `{index}`")
    try:
        done = lake.run("doctor", "--format", "json")
    finally:
        seeded.mysql("ALTER TABLE partner_info ADD INDEX update_at (update_at)")
    (found,) = [f for f in done.json["findings"] if "no index" in f["message"]]
    assert "settlement.partner_info" in found["message"]
    assert "EXPLAIN" in found["message"]
    assert found["hint"] == "ALTER TABLE `settlement`.`partner_info` ADD INDEX (`update_at`)"


def test_a_check_that_hangs_or_fails_is_a_finding_like_any_other() -> None:
    def hang() -> list[Finding]:
        time.sleep(5)
        return []

    def fail() -> list[Finding]:
        raise ConfigError("it is wrong", hint="correct it")

    found = run_checks({"slow": hang, "wrong": fail, "empty": lambda: []}, deadline=0.2)
    assert [(f.part, f.level) for f in found] == [("slow", Level.ERROR), ("wrong", Level.ERROR)]
    assert "no answer" in found[0].message
    assert found[1].hint == "correct it"
    assert worst(found) is Level.ERROR
    assert worst([]) is Level.OK


def test_doctor_names_tables_of_a_database_that_is_not_looked_at(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_DATABASE", "information_schema")
    found = list(doctor.check_tables(Project.load()))
    assert {finding.level for finding in found} == {Level.ERROR}
    assert found[0].message.endswith("is selected, but its database is not in DB_SCHEMAS")
    assert str(found[0].hint).startswith("tidemark add settlement.")


def test_doctor_tells_of_a_project_that_copies_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rules, "read", lambda _: Rules())
    (found,) = doctor.check_tables(lake.project)
    assert (found.level, found.hint) == (Level.WARN, "tidemark add SCHEMA.TABLE")


@pytest.mark.parametrize(
    ("kind", "level", "says"),
    [
        ("", Level.WARN, "update_at has no index; each run scans about"),
        (", INDEX (UPDATE_AT)", Level.OK, "update_at has an index"),
        ("a view of two tables", Level.OK, "is a view; it uses the indexes of its tables"),
    ],
)
def test_doctor_looks_at_the_replication_key_s_index_as_the_tap_does(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, kind: str, level: Level, says: str
) -> None:
    name = quote_mysql(lake.table.table)
    columns = "(id INT PRIMARY KEY, update_at DATETIME NOT NULL{})"
    if kind.startswith("a view"):
        lake.sandbox.mysql(f"CREATE TABLE {name[:-1]}_of` {columns.format('')}")
        both = f"{name[:-1]}_of` AS a JOIN {name[:-1]}_of` AS b USING (id)"
        lake.sandbox.mysql(f"CREATE VIEW {name} AS SELECT a.* FROM {both}")
    else:
        lake.sandbox.mysql(f"CREATE TABLE {name} {columns.format(kind)}")
    rules = Rules(
        (f"{lake.table.stream}.*",), {lake.table.stream: {"replication-key": "update_at"}}
    )
    monkeypatch.setattr(Rules, "read", lambda _: rules)
    (found,) = doctor.check_tables(lake.project)
    assert (found.level, says in found.message) == (level, True), found.message

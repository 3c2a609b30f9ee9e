"""status, config, info and doctor: each part asked for real; what is wrong is said by name."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from policies import Policies, police
from target_redshift.staging.area import put_copy_manifest
from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.aws.iam_policy import render
from tidemark.services.health import bucket_setup, copy_probe, doctor, exposure, grants
from tidemark.services.health.checks import Finding, Level, run_checks, worst
from tidemark.services.health.doctor import judge_skew
from tidemark.services.health.status import check_disk, check_runs, judge_age
from tidemark_core.errors import ConfigError
from tidemark_core.names import quote_mysql
from tidemark_core.runs.run_report import RunReport
from tidemark_core.s3.lease import Lease
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_lease_that_cannot_be_read_is_told_of(lake: Lake) -> None:
    """Whoever wants it has to wait for it, so status must not say that there is none."""
    key = lake.project.layout.lease_key(lake.table, "warehouse")
    lake.project.s3.put_object(Bucket=lake.project.bucket, Key=key, Body=b"garbage")
    try:
        done = lake.run("status", "--format", "json")
    finally:
        lake.project.s3.delete_object(Bucket=lake.project.bucket, Key=key)
    told = [f["message"] for f in done.json["findings"] if f["part"] == "lease"]
    assert any("an unknown process" in message for message in told)


def test_every_part_is_asked(lake: Lake, seeded: Sandbox) -> None:
    key = lake.project.layout.lease_key(lake.table, "lake")
    with Lease.acquire(lake.project.s3, lake.project.bucket, key, owner="the nightly run"):
        done = lake.run("status", "--format", "json")
    findings = {finding["part"]: finding for finding in done.json["findings"]}
    assert findings["MySQL"]["level"] == "OK"
    assert findings["S3"]["level"] == "OK"
    assert findings["warehouse"]["level"] == "OK"
    assert "the nightly run" in findings["lease"]["message"]
    assert findings["last runs"]["level"] == "WARN"
    assert done.code == 0
    assert lake.run("status", "--strict").code == 1


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


@pytest.mark.security(23)
@pytest.mark.security(24)
def test_doctor_finds_what_everybody_may_in_the_warehouse(lake: Lake) -> None:
    (good,) = grants.check_public_rights(lake.project)
    assert (good.level, "PUBLIC may neither" in good.message) == (Level.OK, True)
    granted = {
        "tidemark_loader may create in schema public": (
            "grant create on schema public to public",
            "revoke create on schema public from public",
        ),
        "tidemark_transformer may COPY as arn:": (
            "grant assumerole on all to public for copy",
            "revoke assumerole on all from public for all",
        ),
    }
    for message, (grant, revoke) in granted.items():
        lake.sandbox.warehouse(grant)
        try:
            (found,) = grants.check_public_rights(lake.project)
        finally:
            lake.sandbox.warehouse(revoke)
        assert (found.level, message in found.message) == (Level.WARN, True), found.message
        assert "load/redshift" in (found.hint or "")


def test_doctor_finds_a_role_that_cannot_read_the_bucket(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warehouse itself refuses: what it is to read is not where it may look."""
    monkeypatch.setattr(
        copy_probe,
        "put_copy_manifest",
        lambda client, bucket, prefix, entries: put_copy_manifest(
            client, bucket, prefix, [(f"{key}.not-there", size) for key, size in entries]
        ),
    )
    (found,) = copy_probe.check_copy_role(lake.project)
    assert found.level is Level.ERROR
    assert "cannot read s3://" in found.message
    assert "tidemark iam-policy --role redshift-copy" in (found.hint or "")
    assert lake.keys("staging/") == set()
    monkeypatch.delenv("REDSHIFT_IAM_ROLE")
    (unset,) = copy_probe.check_copy_role(Project.load())
    assert "REDSHIFT_IAM_ROLE is not set" in unset.message


@pytest.mark.parametrize(
    ("found", "key", "wanted", "wanted_key", "level"),
    [
        ("AES256", None, None, None, Level.OK),
        ("aws:kms", "k", "aws:kms", "k", Level.OK),
        ("aws:kms", "k", "aws:kms", None, Level.OK),
        ("aws:kms", "other", "aws:kms", "k", Level.ERROR),
        ("AES256", None, "aws:kms", None, Level.ERROR),
        (None, None, "AES256", None, Level.ERROR),
        (None, None, None, None, Level.WARN),
    ],
)
def test_objects_must_be_encrypted_as_set(
    found: str | None, key: str | None, wanted: str | None, wanted_key: str | None, level: Level
) -> None:
    assert bucket_setup.judge_encryption(found, key, wanted, wanted_key).level is level


@pytest.mark.security(12)
def test_doctor_finds_a_bucket_that_anybody_may_read(lake: Lake) -> None:
    folder = f"{lake.project.bucket}/{lake.project.layout.root}*"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{folder}"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    lake.project.s3.put_bucket_policy(Bucket=lake.project.bucket, Policy=policy)
    try:
        findings = list(bucket_setup.check_bucket(lake.project))
    finally:
        lake.project.s3.delete_bucket_policy(Bucket=lake.project.bucket)
    (found,) = [f for f in findings if "anybody may read" in f.message]
    assert found.level is Level.ERROR
    assert "put-public-access-block" in (found.hint or "")
    assert lake.keys("staging/") == set()


@pytest.mark.security(34)
def test_doctor_names_ways_in_clear(
    lake: Lake, seeded: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fine,) = exposure.check_ways(lake.project)
    assert fine.level is Level.OK, "S3 and MySQL's socket are on the one machine"
    for name, value in {
        "DB_HOST": "mysql.example",
        "S3_ENDPOINT_URL": "http://s3.example",
        "ALERT_WEBHOOK_URL": "http://hooks.example/x",
        "REDSHIFT_SSL": "false",
    }.items():
        monkeypatch.setenv(name, value)
    told = {f.message: f for f in exposure.check_ways(Project.load())}
    for words in ("from the bastion to MySQL", "S3_ENDPOINT", "ALERT_WEBHOOK", "REDSHIFT_SSL"):
        (found,) = [f for message, f in told.items() if words in message]
        assert found.level is Level.WARN
        assert found.hint


@pytest.mark.security(18)
def test_doctor_names_what_the_mysql_user_may_beyond_reading(lake: Lake, seeded: Sandbox) -> None:
    (fine,) = exposure.check_mysql_user(lake.project)
    assert fine.level is Level.OK, fine.message
    (user,) = [f"'{name}'@'{host}'" for name, host in lake.sandbox.mysql(
        "SELECT user, host FROM mysql.user WHERE user = 'tidemark_reader'"
    )]  # fmt: skip
    lake.sandbox.mysql(f"GRANT INSERT, FILE ON *.* TO {user}")
    try:
        (found,) = exposure.check_mysql_user(lake.project)
    finally:
        lake.sandbox.mysql(f"REVOKE INSERT, FILE ON *.* FROM {user}")
    assert found.level is Level.WARN
    assert "FILE on *.*, INSERT on *.*" in found.message


@pytest.mark.parametrize(
    ("grant", "more"),
    [
        ("GRANT USAGE ON *.* TO `t`@`%` IDENTIFIED BY PASSWORD '*A'", []),
        ("GRANT SELECT (`a, b`, `c`), SHOW VIEW ON `x`.`y` TO `t`@`%`", []),
        ("GRANT SELECT ON `ON x`.* TO `t`@`%` WITH GRANT OPTION", ["GRANT OPTION on `ON x`.*"]),
        ("GRANT ALL PRIVILEGES ON *.* TO `t`@`%`", ["ALL PRIVILEGES on *.*"]),
        ("GRANT SELECT, UPDATE (`a`) ON `x`.* TO `t`@`%`", ["UPDATE on `x`.*"]),
        ("GRANT `reader`@`%` TO `t`@`%`", []),
        ("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `t`@`%`", []),
    ],
)
def test_rights_beyond_reading_are_read_from_what_the_server_shows(
    grant: str, more: list[str]
) -> None:
    assert list(exposure.needless([grant])) == more


@pytest.mark.security(26)
def test_doctor_says_whether_the_bucket_keeps_what_is_deleted(
    lake: Lake, locked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = list(bucket_setup.check_bucket(lake.project))
    (found,) = [f for f in findings if "keeps no old versions" in f.message]
    assert found.level is Level.WARN
    assert "put-bucket-versioning" in (found.hint or "")
    monkeypatch.setenv("S3_BUCKET_NAME", locked)
    findings = list(bucket_setup.check_bucket(Project.load()))
    assert "old versions are kept, and locked for 1 days (GOVERNANCE)" in [
        f.message for f in findings
    ]


@pytest.mark.security(26)
def test_doctor_says_whether_the_policy_lets_manifests_be_written_over(
    lake: Lake, project_root: Path
) -> None:
    project, layout = lake.project, lake.project.layout
    text = (project_root / "orchestrate" / "iam" / "bucket-policy.json").read_text()
    whole = json.loads(render(text, project.bucket, layout, "watermark/"))
    folders = (layout.incremental, layout.manifests_root)
    good = bucket_setup.judge_policy(whole, project.bucket, folders)
    assert good.level is Level.OK
    for sid in ("DataFilesAreWrittenOnce", "NoManifestIsWrittenOverBlindly"):
        part = {"Statement": [s for s in whole["Statement"] if s["Sid"] != sid]}
        assert bucket_setup.judge_policy(part, project.bucket, folders).level is Level.WARN
    (found,) = [f for f in bucket_setup.check_bucket(project) if "be written over" in f.message]
    assert found.level is Level.WARN
    assert "put-bucket-policy" in (found.hint or "")
    # The sandbox's server does not know all of AWS's conditions.
    once = [s for s in whole["Statement"] if "s3:if-none-match" in str(s["Condition"])]
    part = {"Version": whole["Version"], "Statement": once}
    project.s3.put_bucket_policy(Bucket=project.bucket, Policy=json.dumps(part))
    try:
        assert bucket_setup._look_at_policy(project) == good
    finally:
        project.s3.delete_bucket_policy(Bucket=project.bucket)


@pytest.mark.security(26)
def test_settings_of_the_bucket_that_may_not_be_read_are_named(
    lake: Lake, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, project = project_root / "orchestrate" / "iam", lake.project
    rights = Policies.of(folder, "loader", project.bucket, project.layout, "watermark/")
    narrow = [s for s in rights.identity if s["Sid"] != "LookAtTheBucket"]
    for statements, told in ((narrow, 2), (rights.identity, 0)):
        with monkeypatch.context() as patch:
            police(replace(rights, identity=statements), patch)
            findings = list(bucket_setup.check_bucket(project))
        unread = [f for f in findings if "settings cannot be read" in f.message]
        assert len(unread) == told
        assert all(f.level is Level.WARN and "AccessDenied" in f.message for f in unread)


def test_doctor_names_what_dbt_may_not(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.sandbox.warehouse("REVOKE USAGE ON SCHEMA landing FROM tidemark_transformer")
    try:
        (found,) = doctor.check_dbt_rights(lake.project)
    finally:
        lake.sandbox.warehouse("GRANT USAGE ON SCHEMA landing TO tidemark_transformer")
    assert found.level is Level.ERROR
    assert "tidemark_transformer lacks usage on schema landing" in found.message
    monkeypatch.delenv("REDSHIFT_DBT_USER")
    monkeypatch.delenv("REDSHIFT_DBT_PASSWORD")
    found = next(doctor.check_dbt_rights(Project.load()))
    assert found.level is Level.WARN
    assert "REDSHIFT_DBT_USER" in (found.hint or "")


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


def test_config_shows_where_values_come_from_and_masks_secrets(lake: Lake) -> None:
    done = lake.run("config", "--format", "json")
    assert done.code == 0, done.out
    shown = {setting["name"]: setting for setting in done.json["settings"]}
    assert shown["DB_USER"]["source"] == "environment"
    assert shown["BACKUP_BATCH_SIZE"]["source"] == "default"
    assert shown["DB_PASSWORD"]["value"] == "***"
    for secret in ("DB_PASSWORD", "REDSHIFT_PASSWORD", "S3_SECRET_KEY"):
        assert lake.project.environ[secret] not in done.out


def test_config_exits_2_for_what_a_run_would_refuse(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_MAX_WORKERS", "many")
    monkeypatch.delenv("DB_USER")
    done = lake.run("config", "DB_USER", "BACKUP_MAX_WORKERS", "DB_HOST")
    assert done.code == 2
    assert "required" in done.out
    assert "BACKUP_MAX_WORKERS must be of type integer" in done.out
    assert lake.run("config", "NO_SUCH").code == 2


def test_config_tries_the_connections(lake: Lake) -> None:
    found = lake.run("config", "--connect", "--format", "json").json["connections"]
    assert [f["level"] for f in found] == ["OK", "OK", "OK"]


def test_info_names_the_strategies_and_the_places(lake: Lake) -> None:
    told = lake.run("info", "--format", "json").json
    assert [s["name"] for s in told["strategies"]] == ["sequential", "inter-table", "chunked"]
    assert told["layout"]["data"] == lake.project.layout.incremental


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


def test_ages_disks_clocks_and_runs_are_judged() -> None:
    assert judge_age(None, NOW, 26).level is Level.WARN
    assert judge_age(NOW - timedelta(hours=25), NOW, 26).level is Level.OK
    assert judge_age(NOW - timedelta(hours=27), NOW, 26).level is Level.WARN
    assert [check_disk(size << 30).level for size in (0, 2, 9)] == ["ERROR", "WARN", "OK"]
    assert judge_skew("S3", timedelta(0), limit=timedelta(minutes=15)).level is Level.OK
    assert judge_skew("S3", -timedelta(minutes=2), limit=None).level is Level.WARN
    limit = timedelta(minutes=15)
    assert judge_skew("S3", timedelta(minutes=16), limit=limit).level is Level.ERROR
    leg = {"run_id": "r", "leg": "job", "started_at": "2026", "seconds": 1, "tables": []}
    good = RunReport.merge([leg | {"success": True, "error": None}])
    bad = RunReport.merge([leg | {"success": False, "error": "the disk is full"}])
    assert check_runs([]).level is Level.WARN
    assert check_runs(good).level is Level.OK
    assert "the disk is full" in check_runs(good + bad).message


def test_doctor_names_tables_of_a_database_that_is_not_looked_at(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_DATABASE", "information_schema")
    found = list(doctor.check_tables(Project.load()))
    assert {finding.level for finding in found} == {Level.ERROR}
    assert found[0].message.endswith("is selected, and its database is not looked at")
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
        ("a view of two tables", Level.OK, "is a view, whose indexes are those of its tables"),
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

"""`doctor`: what anybody may, or nobody should, in MySQL, on S3 and in the warehouse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from policies import Policies, police
from target_redshift.staging.area import put_copy_manifest
from tidemark.config.project import Project
from tidemark.services.aws.iam_policy import render
from tidemark.services.health import bucket_setup, copy_probe, doctor, exposure, grants
from tidemark.services.health.checks import Level
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


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
    (found,) = [f for f in findings if "anyone can read" in f.message]
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
    (found,) = [f for f in findings if "does not keep old versions" in f.message]
    assert found.level is Level.WARN
    assert "put-bucket-versioning" in (found.hint or "")
    monkeypatch.setenv("S3_BUCKET_NAME", locked)
    findings = list(bucket_setup.check_bucket(Project.load()))
    assert "versioning is on, and locked for 1 days (GOVERNANCE)" in [f.message for f in findings]


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
    (found,) = [f for f in bucket_setup.check_bucket(project) if "be overwritten" in f.message]
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
        unread = [f for f in findings if "cannot read the bucket's settings" in f.message]
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

"""The policies: enough for the keys that the code makes, and no more."""

from __future__ import annotations

import fnmatch
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tidemark.services.states import BACKUPS
from tidemark.state.backend import state_folder
from tidemark_core.lake import LakeLayout
from tidemark_core.names import TableName

LAYOUT, TABLE, WHEN = LakeLayout(), TableName("settlement", "partner_info"), datetime.now(UTC)
KEYS = {
    "data": LAYOUT.data_key(TABLE, WHEN, 1),
    "manifest": LAYOUT.manifest_key(TABLE, WHEN, "r1", 1),
    "archive": LAYOUT.archive_key(LAYOUT.manifest_key(TABLE, WHEN, "r1", 1)),
    "staging": LAYOUT.staging_prefix(TABLE, 1) + "part.csv.gz",
    "lease": LAYOUT.lease_key(TABLE, "lake"),
    "job lease": LAYOUT.job_lease_key(),
    "report": LAYOUT.run_key(WHEN.date(), "r1", "lake"),
    "state": state_folder("watermark/high_watermark.json") + "prod%3Aa-to-b/state.json",
    "state's copy": state_folder("watermark/high_watermark.json")
    + f"prod%3Aa-to-b/{BACKUPS}2026-01-01_00-00-00-000000.json",
    "lock": state_folder("watermark/high_watermark.json") + "prod%3Aa-to-b/lock",
    "foreign": "somebody/else.csv",
}
BOOKS = {"lease", "job lease", "report", "state", "state's copy", "lock"}
#: What each role may do with which object, and nothing else.
RIGHTS = {
    "extractor": {
        "s3:GetObject": {"data", "manifest"} | BOOKS,
        "s3:PutObject": {"data", "manifest"} | BOOKS,
        "s3:DeleteObject": {"lock"},
    },
    "loader": {
        "s3:GetObject": {"data", "manifest", "staging"} | BOOKS,
        "s3:PutObject": {"staging"} | BOOKS,
        "s3:DeleteObject": {"staging", "lock"},
    },
    "redshift-copy": {
        "s3:GetObject": {"staging"},
        "s3:PutObject": set(),
        "s3:DeleteObject": set(),
    },
    # LOAD_FORMAT=parquet needs it beside the other.
    "redshift-copy-parquet": {
        "s3:GetObject": {"data"},
        "s3:PutObject": set(),
        "s3:DeleteObject": set(),
    },
    "maintainer": {
        "s3:GetObject": {"data", "manifest", "archive"} | BOOKS,
        "s3:PutObject": {"archive"} | BOOKS,
        "s3:DeleteObject": {"data", "manifest", "archive", "staging", "report"}
        | {"state's copy", "lock"},
    },
}


@pytest.fixture
def folder(project_root: Path) -> Path:
    return project_root / "orchestrate" / "iam"


def statements(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["Statement"]
    return found


def covers(statement: dict[str, Any], key: str) -> bool:
    resource = f"arn:aws:s3:::BUCKET/{key}"
    return any(fnmatch.fnmatchcase(resource, pattern) for pattern in statement["Resource"])


def allows(path: Path, action: str, key: str) -> bool:
    return any(
        statement["Effect"] == "Allow" and action in statement["Action"] and covers(statement, key)
        for statement in statements(path)
    )


@pytest.mark.security(13)
@pytest.mark.parametrize("role", RIGHTS)
def test_a_role_has_the_rights_that_it_needs_and_no_other(role: str, folder: Path) -> None:
    for action, objects in RIGHTS[role].items():
        allowed = {n for n, key in KEYS.items() if allows(folder / f"{role}.json", action, key)}
        assert allowed == objects, action


@pytest.mark.security(13)
@pytest.mark.parametrize("role", RIGHTS)
def test_no_statement_is_about_everything(role: str, folder: Path) -> None:
    for statement in statements(folder / f"{role}.json"):
        assert isinstance(statement["Action"], list)
        assert not any("*" in action for action in statement["Action"])
        assert not any(resource in ("*", "arn:aws:s3:::*") for resource in statement["Resource"])
        if "s3:ListBucket" in statement["Action"]:
            assert all(p.endswith("/*") for p in statement["Condition"]["StringLike"]["s3:prefix"])


@pytest.mark.security(12)
def test_the_bucket_refuses_what_is_not_tls(folder: Path) -> None:
    (tls,) = [s for s in statements(folder / "bucket-policy.json") if s["Sid"] == "TlsOnly"]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert tls["Resource"] == ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"]


@pytest.mark.security(12)
def test_the_bucket_refuses_every_stranger(folder: Path) -> None:
    """Somebody who has not signed has neither key: each condition must hold for him too."""
    (account,) = [
        s for s in statements(folder / "bucket-policy.json") if s["Sid"] == "NobodyElsesAccount"
    ]
    assert account["Condition"] == {
        "StringNotEquals": {"aws:PrincipalAccount": "ACCOUNT"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }


@pytest.mark.security(26)
def test_what_is_committed_is_written_once_and_by_one_role(
    folder: Path, project_root: Path
) -> None:
    """As the S3 User Guide has it ("Enforce conditional writes on Amazon S3 buckets")."""
    denied = {s["Sid"]: s for s in statements(folder / "bucket-policy.json")}
    once, one = denied["WhatIsCommittedIsWrittenOnce"], denied["OnlyTheExtractorCommits"]
    assert once["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    assert set(one["Condition"]) == {"ArnNotEquals"}
    for statement in (once, one):
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Action"] == "s3:PutObject"
        covered = {name for name, key in KEYS.items() if covers(statement, key)}
        assert covered == {"data", "manifest"}
    text = (project_root / "docs" / "aws.md").read_text()
    assert "put-bucket-versioning" in text
    assert "Status=Enabled" in text


@pytest.mark.security(24)
def test_only_the_loader_may_take_copys_role(folder: Path) -> None:
    (statement,) = statements(folder / "redshift-copy-trust.json")
    assert statement["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "ACCOUNT",
        "sts:ExternalId": "arn:aws:redshift:REGION:ACCOUNT:dbuser:CLUSTER/tidemark_loader",
    }


@pytest.mark.security(12)
def test_the_how_to_blocks_public_access(project_root: Path) -> None:
    text = (project_root / "docs" / "aws.md").read_text()
    for setting in (
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ):
        assert f"{setting}=true" in text


def test_the_lifecycle_removes_unfinished_uploads(folder: Path) -> None:
    rules = json.loads((folder / "bucket-lifecycle.json").read_text())["Rules"]
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    expiring = {rule["Filter"]["Prefix"] for rule in rules if "Days" in rule.get("Expiration", {})}
    assert expiring == {"staging/"}, "nothing that was committed may expire by itself"


def test_every_file_is_explained(folder: Path, project_root: Path) -> None:
    text = (project_root / "docs" / "aws.md").read_text()
    for path in folder.iterdir():
        assert path.name in text

"""The policies: enough for the keys that the code makes, and no more."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from policies import Policies
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import BACKUPS
from tidemark.state.store import state_folder
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.names import TableName, encode_component

LAYOUT, TABLE, WHEN = LakeLayout(), TableName("settlement", "partner_info"), datetime.now(UTC)
STATES = state_folder("watermark/high_watermark.json")


def states(leg: Leg) -> dict[str, str]:
    """The objects of a leg's state, in a job of its own and in a task of Airflow's."""
    job = f"{STATES}{encode_component(leg.state_id('prod'))}/"
    task = f"{STATES}{encode_component(leg.state_id('prod') + ':' + TABLE.stream)}/"
    return {
        f"{leg}'s state": f"{job}state.json",
        f"{leg}'s state of a table": f"{task}state.json",
        f"{leg}'s copy": f"{job}{BACKUPS}2026-01-01_00-00-00-000000.json",
        f"{leg}'s lock": f"{job}lock",
        f"{leg}'s lock of a table": f"{task}lock",
    }


KEYS = {
    "data": LAYOUT.data_key(TABLE, WHEN, 1),
    "manifest": LAYOUT.manifest_key(TABLE, WHEN, "r1", 1),
    "archive": LAYOUT.archive_key(LAYOUT.manifest_key(TABLE, WHEN, "r1", 1)),
    "staging": LAYOUT.staging_prefix(TABLE, 1) + "part.csv.gz",
    "lease": LAYOUT.lease_key(TABLE, "lake"),
    "job lease": LAYOUT.job_lease_key(),
    "report": LAYOUT.run_key(WHEN.date(), "r1", "lake"),
    "foreign": "somebody/else.csv",
} | {name: key for leg in Leg for name, key in states(leg).items()}
BOOKS = {"lease", "job lease", "report"}
BACKUP, LOAD = (set(states(leg)) for leg in Leg)
#: What each role may do with which object, and nothing else.
RIGHTS = {
    "extractor": {
        "s3:GetObject": {"data", "manifest"} | BOOKS | BACKUP | LOAD,
        "s3:PutObject": {"data", "manifest"} | BOOKS | BACKUP,
        "s3:DeleteObject": {"backup's lock", "backup's lock of a table"},
    },
    "loader": {
        "s3:GetObject": {"data", "manifest", "staging"} | BOOKS | BACKUP | LOAD,
        "s3:PutObject": {"staging"} | BOOKS | LOAD,
        "s3:DeleteObject": {"staging", "load's lock", "load's lock of a table"},
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
        "s3:GetObject": {"data", "manifest", "archive"} | BOOKS | BACKUP | LOAD,
        "s3:PutObject": {"manifest", "archive"} | BOOKS,
        "s3:DeleteObject": {"data", "manifest", "archive", "staging", "report"}
        | {"backup's copy", "load's copy"},
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


WRITES = {"first": {"s3:if-none-match": "*"}, "replace": {"s3:if-match": "etag"}, "blindly": {}}
#: Who may write what how, by both policies together.
MAY_WRITE = {
    ("extractor", "data", "first"),
    ("extractor", "manifest", "first"),
    ("maintainer", "manifest", "first"),
    ("maintainer", "manifest", "replace"),
}


@pytest.mark.security(26)
@pytest.mark.parametrize("trusting", [False, True], ids=["its own policy", "a policy of all"])
def test_what_is_committed_is_written_once_and_by_one_role(folder: Path, trusting: bool) -> None:
    """As the S3 User Guide has it ("Enforce conditional writes on Amazon S3 buckets").

    The bucket refuses also what a role of the account was given that nobody has thought of.
    """
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    may = set()
    for role in ("extractor", "loader", "maintainer"):
        policies = Policies.of(folder, role, "lake", LAYOUT, STATES)
        if trusting:
            policies = replace(policies, identity=[everything])
        for name in ("data", "manifest"):
            for how, said in WRITES.items():
                context = {"s3:ObjectCreationOperation": "true"} | said
                if policies.allows("s3:PutObject", KEYS[name], **context):
                    may.add((role, name, how))
    assert may == MAY_WRITE


@pytest.mark.security(12)
@pytest.mark.parametrize(
    "context",
    [
        {"aws:SecureTransport": "false"},
        {"s3:TlsVersion": "1.1"},
        {"aws:PrincipalAccount": "another"},
        {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"},
        {"s3:x-amz-server-side-encryption-aws-kms-key-id": "another"},
    ],
)
def test_the_bucket_refuses_what_it_must(folder: Path, context: dict[str, str]) -> None:
    policies = Policies.of(folder, "loader", "lake", LAYOUT, STATES)
    assert policies.allows("s3:PutObject", KEYS["staging"])
    assert not policies.allows("s3:PutObject", KEYS["staging"], **context)


@pytest.mark.security(26)
def test_the_how_to_keeps_old_versions(project_root: Path) -> None:
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

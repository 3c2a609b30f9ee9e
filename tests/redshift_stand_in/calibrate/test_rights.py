"""The rights that docs/calibrating.md lists are enough, in the database and on S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from projects.pages import Block, fenced
from redshift_stand_in.calibrate import cases
from redshift_stand_in.calibrate.asking.session import Target
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.calibrate.comparing.differences import Verdict, compare
from redshift_stand_in.calibrate.comparing.recording import Recording
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.calibrate.whole import identify, plan, record

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World


@pytest.fixture
def calibrator(world: World, stand_in: Target, printed: list[Block]) -> Iterator[Target]:
    """The user of the page."""
    [block] = printed
    cursor = world.connect().cursor()
    for statement in block.text.strip().rstrip(";").split(";\n"):
        cursor.execute(statement)
    yield replace(stand_in, user="calibrator", password="Replace-1-me")
    cursor.execute("revoke create, temporary on database dev from calibrator")
    cursor.execute("drop user calibrator")


def recorded(target: Target, storage: Storage, only: str) -> Recording:
    asked = plan(target, cases.chosen(["copy", "ddl", "types"], only, storage=True), storage)
    recording = Recording(identify(asked))
    record(asked, recording, lambda *_: None, lambda _: None, lambda: None)
    return recording


def test_the_rights_that_the_page_grants_suffice(
    stand_in: Target, calibrator: Target, storage: Storage
) -> None:
    for only in ("t.[my] *", "create*t.c[1-9]*"):
        found = compare(recorded(calibrator, storage, only), recorded(stand_in, storage, only))
        assert set(found.counts) == {Verdict.AGREES}
    users = "drop user if exists nope"
    found = compare(recorded(calibrator, storage, users), recorded(stand_in, storage, users))
    assert set(found.counts) == {Verdict.UNTOLD}


def test_without_them_it_ends_before_anything_is_asked(
    world: World, stand_in: Target, storage: Storage
) -> None:
    cursor = world.connect().cursor()
    cursor.execute("create user nobody password 'Replace-1-me'")
    nobody = replace(stand_in, user="nobody", password="Replace-1-me")
    try:
        with pytest.raises(CalibrationError, match=r'GRANT CREATE ON DATABASE "dev" TO "nobody"'):
            recorded(nobody, storage, "drop user if exists nope")
    finally:
        cursor.execute("drop user nobody")


def test_the_policies_of_the_page_suffice(storage: Storage) -> None:
    cluster, ours = [json.loads(b.text) for b in fenced("docs/calibrating.md") if b.kind == "json"]
    own = replace(storage, bucket="stage", prefix="PREFIX/calibrate_0f")
    [part] = cases.chosen(["copy"], "t.y*", storage=True)
    asked = list[tuple[str, str]]()
    own.s3.client.meta.events.register(
        "provide-client-params.s3.*",
        lambda params, model, **_: asked.append(
            (model.name, params.get("Key", params.get("Prefix")))
        ),
    )
    own.put(part.cases[0])
    own.clear()
    assert {action for action, _ in asked} == {"PutObject", "ListObjectsV2", "DeleteObject"}
    assert [each for each in asked if not allows(ours, *each)] == []
    key = f"{own.prefix}/{part.cases[0].key}"
    for action in ("ListObjectsV2", "GetObject"):
        assert allows(cluster, action, key)
        assert not allows(cluster, action, "PREFIX/of-somebody-else")
    assert not allows(cluster, "PutObject", key)


def allows(policy: dict[str, Any], operation: str, key: str) -> bool:
    """Whether a policy of the page lets an operation of S3 have a key, or list it as a prefix."""
    action = {"ListObjectsV2": "s3:ListBucket"}.get(operation, f"s3:{operation}")
    listing = operation == "ListObjectsV2"
    resource = "arn:aws:s3:::BUCKET" if listing else f"arn:aws:s3:::BUCKET/{key}"
    return any(
        action in statement["Action"]
        and fnmatchcase(resource, statement["Resource"])
        and (not listing or fnmatchcase(key, statement["Condition"]["StringLike"]["s3:prefix"]))
        for statement in policy["Statement"]
    )

"""The listing of manifests: in order, since a moment, and the newest without listing them all."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.manifest_listing import ManifestListing
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: From a minute to a year.
AGES = st.lists(st.integers(1, 525_600), max_size=12)


class _World(Protocol):
    def env(self) -> dict[str, str]: ...


class Manifests:
    """Empty manifests of tables of their own, by their age."""

    def __init__(self, place: S3Location) -> None:
        self.client: S3Client = place.client()
        self.listing = ManifestListing(self.client, place.bucket, place.layout)
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.requests = 0
        self.client.meta.events.register("before-call.s3.ListObjectsV2", self._count)

    def _count(self, **_: Any) -> None:
        self.requests += 1

    def table(self, *ages: timedelta) -> TableName:
        table = TableName("shop", f"t{uuid.uuid4().hex}")
        for part, age in enumerate(ages, 1):
            self.put(self.listing.layout.manifest_key(table, self.now - age, "run", part))
        self.requests = 0
        return table

    def put(self, key: str) -> None:
        self.client.put_object(Bucket=self.listing.bucket, Key=key, Body=b"")

    def age(self, moment: datetime) -> timedelta:
        return self.now - moment


@pytest.fixture(scope="module")
def manifests(sandbox: _World) -> Manifests:
    return Manifests(S3Location.of(read(S3Settings, {}, sandbox.env())))


@given(ages=AGES, since=st.integers(0, 600_000))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_listed_is_as_old_as_asked_at_most_and_in_order(
    manifests: Manifests, ages: list[int], since: int
) -> None:
    old = [timedelta(minutes=age) for age in ages]
    table = manifests.table(*old)
    found = manifests.listing.since(table, manifests.now - timedelta(minutes=since))
    wanted = sorted((age for age in ages if age <= since), reverse=True)
    assert [manifests.age(each.named.moment) for each in found] == [
        timedelta(minutes=age) for age in wanted
    ]
    newest = manifests.listing.newest(table)
    assert (newest and manifests.age(newest.named.moment)) == (min(old) if old else None)


@pytest.mark.parametrize(
    ("age", "requests"),
    [
        (timedelta(minutes=-30), 1),  # by a clock that is ahead
        (timedelta(minutes=1), 1),
        (timedelta(hours=2), 2),
        (timedelta(days=9), 3),
    ],
)
def test_the_newest_is_looked_for_among_the_last_ones_first(
    manifests: Manifests, age: timedelta, requests: int
) -> None:
    table = manifests.table(timedelta(days=40), age)
    newest = manifests.listing.newest(table)
    assert newest is not None
    assert manifests.age(newest.named.moment) == age
    assert manifests.requests == requests


def test_of_one_second_the_last_that_was_put_is_the_newest(manifests: Manifests) -> None:
    table = manifests.table()
    layout = manifests.listing.layout
    keys = [layout.manifest_key(table, manifests.now, run, 1) for run in ("z", "a")]
    for key in keys:
        manifests.put(key)
    listed = manifests.listing.since(table)
    later = max(each.modified for each in listed)
    newest = manifests.listing.newest(table)
    assert newest is not None
    assert newest.modified == later
    assert newest.key in keys


def test_a_key_of_another_kind_is_skipped_with_a_warning(
    manifests: Manifests, caplog: pytest.LogCaptureFixture
) -> None:
    table = manifests.table(timedelta(minutes=1))
    manifests.put(f"{manifests.listing.layout.manifests_prefix(table)}other.json")
    assert len(manifests.listing.since(table)) == 1
    assert "other.json' is not a manifest" in caplog.text

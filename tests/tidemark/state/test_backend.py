"""The state backend, on the sandbox's S3."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import pytest
from meltano.core.state_store import MeltanoState
from tidemark.state.backend import TidemarkStateStore
from tidemark.state.store import StateStore, parse_state, state_folder
from tidemark_core.errors import LakeError, StateError
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STATE_ID = "dev:tap-mysql-to-target-s3-parquet"
BOOKMARKS = {"singer_state": {"bookmarks": {"s-t": {"replication_key_value": 5}}}}


def config(sandbox: Sandbox, folder: str) -> dict[str, Any]:
    env = sandbox.env()
    names = ("bucket_name", "access_key", "secret_key", "region", "endpoint_url")
    return {f"s3_{name}": env[f"S3_{name.upper()}"] for name in names} | {
        "s3_high_watermark_key": f"{folder}/watermark/high.json"
    }


@pytest.fixture
def folder() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def store(sandbox: Sandbox, folder: str) -> TidemarkStateStore:
    return TidemarkStateStore(**config(sandbox, folder), lock_timeout_seconds=2)


def put(sandbox: Sandbox, key: str, body: bytes) -> None:
    location = S3Location.of(read(S3Settings, config(sandbox, "x")))
    location.client().put_object(Bucket=location.bucket, Key=key, Body=body)


def test_the_folder_is_that_of_the_watermark_key() -> None:
    assert state_folder("watermark/high_watermark.json") == "watermark/"
    assert state_folder("a/b/c.json") == "a/b/"
    assert state_folder("high.json") == "watermark/"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"{",
        b'{"completed": 5}',
        b'{"completed": {}, "partial": {}}',
        b"[" * 100_000,
    ],
)
@pytest.mark.fault(20)
def test_a_damaged_state_is_never_an_empty_one(body: bytes) -> None:
    with pytest.raises(StateError, match=r"(?s)here.*meltano state clear dev:x"):
        parse_state("dev:x", body, where="here")


def test_a_state_comes_back(store: TidemarkStateStore) -> None:
    assert store.get(STATE_ID) is None
    store.update(MeltanoState(STATE_ID, completed_state=BOOKMARKS))
    found = store.get(STATE_ID)
    assert found is not None
    assert found.completed_state == BOOKMARKS
    assert list(store.get_state_ids("dev:*")) == [STATE_ID]
    assert list(store.get_state_ids("prod:*")) == []
    store.clear(STATE_ID)
    assert store.get(STATE_ID) is None


@pytest.mark.security(16)
def test_a_state_id_never_leaves_its_folder(
    store: TidemarkStateStore, sandbox: Sandbox, folder: str
) -> None:
    for state_id in ("../../x", "a/b", "..", "ü%2F"):
        store.update(MeltanoState(state_id, completed_state=BOOKMARKS))
    location = S3Location.of(read(S3Settings, config(sandbox, folder)))
    listed = location.client().list_objects_v2(Bucket=location.bucket, Prefix=f"{folder}/")
    keys = [entry["Key"] for entry in listed["Contents"]]
    assert len(keys) == 4
    assert all(key.startswith(f"{folder}/watermark/") and key.count("/") == 3 for key in keys)
    assert sorted(store.get_state_ids()) == sorted(["../../x", "a/b", "..", "ü%2F"])


@pytest.mark.fault(20)
def test_a_damaged_file_stops_the_run(
    store: TidemarkStateStore, sandbox: Sandbox, folder: str
) -> None:
    store.update(MeltanoState(STATE_ID, completed_state=BOOKMARKS))
    (key,) = (
        entry["Key"]
        for entry in S3Location.of(read(S3Settings, config(sandbox, folder)))
        .client()
        .list_objects_v2(Bucket=sandbox.env()["S3_BUCKET_NAME"], Prefix=f"{folder}/")["Contents"]
    )
    put(sandbox, key, b"")
    with pytest.raises(StateError, match="damaged"):
        store.get(STATE_ID)


def test_only_one_holds_the_lock(store: TidemarkStateStore) -> None:
    inside: list[str] = []

    def hold(name: str) -> None:
        with store.acquire_lock(STATE_ID, retry_seconds=0.05):
            inside.append(f"{name} in")
            time.sleep(0.3)
            inside.append(f"{name} out")

    threads = [threading.Thread(target=hold, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.split()[1] for event in inside] == ["in", "out", "in", "out"]


def test_a_lock_that_a_crash_left_is_taken_over(
    store: TidemarkStateStore, sandbox: Sandbox, folder: str
) -> None:
    with store.acquire_lock(STATE_ID, retry_seconds=1):
        key = f"{folder}/watermark/dev%3Atap-mysql-to-target-s3-parquet/lock"
    put(sandbox, key, b"")
    start = time.monotonic()
    with store.acquire_lock(STATE_ID, retry_seconds=0.2):
        assert time.monotonic() - start > 1


def hooked(client: S3Client, hook: Callable[[], None]) -> S3Client:
    return cast("S3Client", Hooked(client, hook))


class Hooked:
    """A client that calls a hook once, after it was told how old a lock is."""

    def __init__(self, client: Any, hook: Callable[[], None]) -> None:
        self._client, self._hooks = client, [hook]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def head_object(self, **arguments: Any) -> Any:
        found = self._client.head_object(**arguments)
        if self._hooks:
            self._hooks.pop()()
        return found


@pytest.mark.fault(23)
def test_of_two_who_find_a_dead_lock_one_takes_it(sandbox: Sandbox, folder: str) -> None:
    location = S3Location.of(read(S3Settings, config(sandbox, folder)))
    inside: list[str] = []
    with ExitStack() as held:

        def overtake() -> None:
            held.enter_context(first.locked(STATE_ID, retry_seconds=0.05))
            inside.append("first")

        stores = [
            StateStore(client, location.bucket, f"{folder}/watermark/", lock_timeout_seconds=1.5)
            for client in (location.client(), hooked(location.client(), overtake))
        ]
        first, second = stores
        put(sandbox, f"{folder}/watermark/dev%3Atap-mysql-to-target-s3-parquet/lock", b"")
        time.sleep(3)

        def follow() -> None:
            with second.locked(STATE_ID, retry_seconds=0.05):
                inside.append("second")

        thread = threading.Thread(target=follow)
        thread.start()
        thread.join(1)
        assert inside == ["first"]
        held.close()
    thread.join()
    assert inside == ["first", "second"]


@pytest.mark.fault(23)
def test_who_was_overtaken_does_not_remove_the_lock_of_the_next(
    store: TidemarkStateStore, sandbox: Sandbox, folder: str
) -> None:
    key = f"{folder}/watermark/dev%3Atap-mysql-to-target-s3-parquet/lock"
    client = S3Location.of(read(S3Settings, config(sandbox, folder))).client()
    bucket = sandbox.env()["S3_BUCKET_NAME"]
    with store.acquire_lock(STATE_ID, retry_seconds=1):
        client.put_object(Bucket=bucket, Key=key, Body=b"of somebody else")
    assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"of somebody else"
    client.delete_object(Bucket=bucket, Key=key)
    with store.acquire_lock(STATE_ID, retry_seconds=1):
        client.delete_object(Bucket=bucket, Key=key)


def test_a_bucket_that_cannot_be_read_is_not_an_empty_state(sandbox: Sandbox, folder: str) -> None:
    wrong = config(sandbox, folder) | {"s3_secret_key": "wrong"}
    with pytest.raises(LakeError, match="SignatureDoesNotMatch"):
        TidemarkStateStore(**wrong).get(STATE_ID)

"""The states of pipelines on S3, beside the lake; without Meltano, so that readers start fast."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from tidemark_core.errors import StateError
from tidemark_core.names import decode_component, encode_component
from tidemark_core.s3.errors import explained
from tidemark_core.s3.objects import list_keys, server_time

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_STATE_FILE = "state.json"
_LOCK_FILE = "lock"
#: S3's status codes when the object is not, or no longer, the one that was meant.
_CONDITION_FAILED = frozenset({404, 409, 412})


@dataclass(frozen=True)
class State:
    """What Meltano keeps of a pipeline.

    Attributes:
        state_id: Its id, such as ``dev:tap-mysql-to-target-s3-parquet``.
        partial: What the next run merges over the completed state.
        completed: ``{"singer_state": …}`` of the last successful run.
    """

    state_id: str
    partial: dict[str, Any]
    completed: dict[str, Any]

    def to_dict(self) -> dict[str, object]:
        """As the state file has it."""
        return {"completed": self.completed, "partial": self.partial}


def state_folder(watermark_key: str) -> str:
    """The folder, with a trailing slash, in which the states of all pipelines live.

    Args:
        watermark_key: S3_HIGH_WATERMARK_KEY, such as ``watermark/high_watermark.json``.
    """
    folder = watermark_key.rpartition("/")[0].strip("/")
    return f"{folder}/" if folder else "watermark/"


def parse_state(state_id: str, body: bytes, *, where: str) -> State:
    """Reads a state file; never takes a damaged one for an empty one.

    Raises:
        StateError: The file is empty, not JSON, or not a state.
    """
    try:
        document = json.loads(body)
        parts = [document.get("completed"), document.get("partial")]
        if not any(parts) or not all(part is None or isinstance(part, dict) for part in parts):
            raise ValueError("neither a completed nor a partial state")
    except (ValueError, AttributeError, RecursionError) as error:
        raise StateError(
            f"the state file {where} is damaged ({error}); nothing was run",
            hint=f"restore it, or start over: meltano state clear {state_id}",
        ) from error
    return State(state_id, parts[1] or {}, parts[0] or {})


class StateStore:
    """Keeps each pipeline's state in ``<folder>/<state id>/state.json`` of the lake's bucket."""

    def __init__(
        self, client: S3Client, bucket: str, folder: str, *, lock_timeout_seconds: float = 10
    ) -> None:
        """Sets where the states are.

        Args:
            client: S3.
            bucket: The lake's.
            folder: What `state_folder` says.
            lock_timeout_seconds: Age from which a lock counts as left by a crash.
        """
        self._client, self._bucket, self._folder = client, bucket, folder
        self._lock_timeout = lock_timeout_seconds

    def _key(self, state_id: str, file: str) -> str:
        # A state id may hold what the user typed: "dev:a-to-b:suffix", or "../../x".
        return f"{self._folder}{encode_component(state_id)}/{file}"

    def _where(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def get(self, state_id: str) -> State | None:
        """A pipeline's state; None before its first run.

        Raises:
            StateError: The file is damaged.
            LakeError: It cannot be read.
        """
        key = self._key(state_id, _STATE_FILE)
        with explained(f"reading {self._where(key)}"):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
        return parse_state(state_id, body, where=self._where(key))

    def set(self, state: State) -> None:
        """Writes a pipeline's state."""
        key = self._key(state.state_id, _STATE_FILE)
        with explained(f"writing {self._where(key)}"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=json.dumps(state.to_dict()).encode(),
                ContentType="application/json",
            )

    def delete(self, state_id: str) -> None:
        """Removes a pipeline's state."""
        key = self._key(state_id, _STATE_FILE)
        with explained(f"deleting {self._where(key)}"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def ids(self) -> Iterator[str]:
        """The ids of the pipelines that have a state."""
        for entry in list_keys(self._client, self._bucket, self._folder):
            folder, _, file = entry["Key"].removeprefix(self._folder).partition("/")
            if file == _STATE_FILE:
                yield decode_component(folder)

    @contextmanager
    def locked(self, state_id: str, *, retry_seconds: float) -> Iterator[None]:
        """Holds the state's lock while it is read and written.

        The lock is a conditional put, so two machines cannot both hold it; one left by a crash is
        taken over once it is older than the timeout, by one of those who find it.
        """
        key = self._key(state_id, _LOCK_FILE)
        while (ours := self._take(key)) is None:
            time.sleep(retry_seconds)
        try:
            yield
        finally:
            self._give_back(key, ours)

    def _take(self, key: str) -> str | None:
        """The ETag of the lock that is ours now; None if another process has it."""
        with explained(f"locking {self._where(key)}"):
            ours = self._put_lock(key, {"IfNoneMatch": "*"})
            if ours is None and (stale := self._stale_lock(key)):
                ours = self._put_lock(key, {"IfMatch": stale})
        return ours

    def _put_lock(self, key: str, condition: dict[str, Any]) -> str | None:
        # No two locks are alike, so that an ETag says whose it is.
        body = uuid.uuid4().bytes
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **condition)
        except ClientError as error:
            if _status(error) in _CONDITION_FAILED:
                return None
            raise
        return answer["ETag"]

    def _stale_lock(self, key: str) -> str | None:
        """The ETag of a lock that a crash has left; None: there is none."""
        try:
            held = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _status(error) == 404:
                return None
            raise
        # Both times are the server's: this machine's clock does not matter.
        age = (server_time(held) - held["LastModified"]).total_seconds()
        return held["ETag"] if age > self._lock_timeout else None

    def _give_back(self, key: str, ours: str) -> None:
        with explained(f"unlocking {self._where(key)}"):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=ours)
            except ClientError as error:
                # Another process has taken it over.
                if _status(error) not in _CONDITION_FAILED:
                    raise


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]

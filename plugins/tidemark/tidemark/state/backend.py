"""Meltano's state on S3, beside the lake.

Meltano's own S3 backend ignores the endpoint unless keys are configured, takes its folder from a
URI, and reads an empty or damaged file as an empty state, from which the next run would copy
everything anew. This one uses the lake's settings and stops at a state that it cannot trust.
"""

from __future__ import annotations

import fnmatch
import json
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from meltano.core.state_store import MeltanoState, StateStoreManager
from tidemark_core.errors import StateError
from tidemark_core.names import decode_component, encode_component
from tidemark_core.s3 import S3Location, explained, list_keys
from tidemark_core.settings import S3_SETTINGS, resolve

from tidemark.environment import refuse_open_env_file
from tidemark.settings import HIGH_WATERMARK_KEY
from tidemark.state import quiet

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_STATE_FILE = "state.json"
_LOCK_FILE = "lock"
#: What S3 answers when the object is not, or no longer, the one that was meant.
_CONDITION_FAILED = frozenset({404, 409, 412})


def state_folder(watermark_key: str) -> str:
    """The folder, with a trailing slash, in which the states of all pipelines live.

    Args:
        watermark_key: S3_HIGH_WATERMARK_KEY, such as ``watermark/high_watermark.json``.
    """
    folder = watermark_key.rpartition("/")[0].strip("/")
    return f"{folder}/" if folder else "watermark/"


def parse_state(state_id: str, body: bytes, *, where: str) -> MeltanoState:
    """Reads a state file; never takes a damaged one for an empty one.

    Raises:
        StateError: The file is empty, not JSON, or not a state.
    """
    try:
        document = json.loads(body)
        parts = [document.get("completed"), document.get("partial")]
        if not any(parts) or not all(part is None or isinstance(part, dict) for part in parts):
            raise ValueError("neither a completed nor a partial state")
    except (ValueError, AttributeError) as error:
        raise StateError(
            f"the state file {where} is damaged ({error}); nothing was run",
            hint=f"restore it, or start afresh: meltano state clear {state_id}",
        ) from error
    return MeltanoState(state_id, parts[1] or {}, parts[0] or {})


class TidemarkStateStore(StateStoreManager):
    """Keeps each pipeline's state in ``<folder>/<state id>/state.json`` of the lake's bucket."""

    label = "the lake's bucket"

    def __init__(
        self, *, lock_timeout_seconds: float = 10, client: S3Client | None = None, **config: Any
    ) -> None:
        """Reads the settings.

        Args:
            lock_timeout_seconds: Age at which a lock is taken for one that a crash has left.
            client: One that exists already, with tries and timeouts of its own.
            config: The lake's settings.

        Raises:
            ConfigError: A setting is missing, or others can read the project's ``.env``.
        """
        super().__init__()
        # Every `meltano run` of a tap comes past here, whoever starts it.
        refuse_open_env_file()
        quiet.install()
        self._lock_timeout = lock_timeout_seconds
        values = resolve((*S3_SETTINGS, HIGH_WATERMARK_KEY), config)
        location = S3Location.from_config(values)
        self._bucket = location.bucket
        self._folder = state_folder(values[HIGH_WATERMARK_KEY.name])
        self._client = client or location.client()

    def _key(self, state_id: str, file: str) -> str:
        # A state id may hold what the user typed: "dev:a-to-b:suffix", or "../../x".
        return f"{self._folder}{encode_component(state_id)}/{file}"

    def _where(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def get(self, state_id: str) -> MeltanoState | None:
        key = self._key(state_id, _STATE_FILE)
        with explained(f"reading {self._where(key)}"):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
        return parse_state(state_id, body, where=self._where(key))

    def set(self, state: MeltanoState) -> None:
        key = self._key(state.state_id, _STATE_FILE)
        with explained(f"writing {self._where(key)}"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=state.json().encode(),
                ContentType="application/json",
            )

    def delete(self, state_id: str) -> None:
        self._remove(self._key(state_id, _STATE_FILE))

    def get_state_ids(self, pattern: str | None = None) -> Iterable[str]:
        found = []
        for entry in list_keys(self._client, self._bucket, self._folder):
            folder, _, file = entry["Key"].removeprefix(self._folder).partition("/")
            if file == _STATE_FILE:
                found.append(decode_component(folder))
        return fnmatch.filter(found, pattern) if pattern else found

    @contextmanager
    def acquire_lock(self, state_id: str, *, retry_seconds: float) -> Iterator[None]:
        """Holds the state's lock while it is read and written.

        The lock is a conditional put, so two machines cannot both hold it; one left by a crash is
        taken over once it is older than ``state_backend.lock_timeout_seconds``, by one of those who
        find it.
        """
        key = self._key(state_id, _LOCK_FILE)
        while (ours := self._take(key)) is None:
            time.sleep(retry_seconds)
        try:
            yield
        finally:
            self._give_back(key, ours)

    def _take(self, key: str) -> str | None:
        """The ETag of the lock that is ours now; None: somebody else's is there."""
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
        now = held["ResponseMetadata"]["HTTPHeaders"].get("date")
        age = _http_seconds(now) - held["LastModified"].timestamp() if now else 0
        return held["ETag"] if age > self._lock_timeout else None

    def _give_back(self, key: str, ours: str) -> None:
        with explained(f"unlocking {self._where(key)}"):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=ours)
            except ClientError as error:
                # Somebody has taken it over: it is theirs.
                if _status(error) not in _CONDITION_FAILED:
                    raise

    def _remove(self, key: str) -> None:
        with explained(f"deleting {self._where(key)}"):
            self._client.delete_object(Bucket=self._bucket, Key=key)


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _http_seconds(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()

"""The states of both legs on S3: read them, change one bookmark under the lease, keep a copy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from tidemark_core.names import TableName, encode_component
from tidemark_core.s3.errors import explained
from tidemark_core.s3.lease import Lease
from tidemark_core.text.documents import Json

from tidemark.config.project import Project
from tidemark.runner.leases import hold_job
from tidemark.services.bookmarks.bookmark import Leg, bookmarks, with_bookmark
from tidemark.state.store import State, StateStore, state_folder

#: Folder beside a state file, with a copy of the state from before each change by hand.
BACKUPS = "backups/"


class States:
    """The states of one environment."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.folder = state_folder(project.watermark_key)
        self._store = StateStore(project.s3, project.bucket, self.folder)

    def get(self, leg: Leg) -> State | None:
        """The state of a leg; None before its first run.

        Raises:
            StateError: It is damaged.
            LakeError: The bucket cannot be read.
        """
        return self._store.get(leg.state_id(self._project.environment))

    def bookmarks(self, leg: Leg) -> dict[str, Json]:
        """The bookmarks of a leg, by stream."""
        return bookmarks(self.get(leg))

    def prefix(self, leg: Leg) -> str:
        """The folder of a leg's state file and of its copies."""
        return f"{self.folder}{encode_component(leg.state_id(self._project.environment))}/"

    @contextmanager
    def held(self, tables: Iterable[TableName], leg: Leg) -> Iterator[None]:
        """Keeps runs away from a leg: at its end a run would overwrite what we change.

        Raises:
            LeaseError: A run is at work.
        """
        client, bucket = self._project.s3, self._project.bucket
        with ExitStack() as stack:
            # A job that has read its state may not have come to its first table yet.
            stack.enter_context(hold_job(self._project, "tidemark watermark"))
            for table in sorted(tables):
                key = self._project.layout.lease_key(table, leg.lease)
                stack.enter_context(Lease.acquire(client, bucket, key, owner="tidemark watermark"))
            yield

    def change(self, leg: Leg, table: TableName, bookmark: Json | None) -> str | None:
        """Replaces or removes one table's bookmark.

        Args:
            leg: Which state.
            table: Whose bookmark.
            bookmark: The new one; None removes it.

        Returns:
            Key of the copy of the state as it was; None when there was none.
        """
        # A run writes the bookmarks of all its tables at once, so none of them may be at work.
        others = {TableName.from_stream(stream) for stream in self.bookmarks(leg)}
        with self.held({table, *others}, leg):
            return self.write(leg, table, bookmark)

    def write(self, leg: Leg, table: TableName, bookmark: Json | None) -> str | None:
        """The same for a caller that already holds the lease of a job."""
        state_id = leg.state_id(self._project.environment)
        with self._store.locked(state_id, retry_seconds=0.2):
            before = self._store.get(state_id)
            copied = None if before is None else self._keep(before)
            self._store.set(with_bookmark(before, state_id, table.stream, bookmark))
        return copied

    def _keep(self, state: State) -> str:
        now = datetime.now(UTC).strftime("%Y-%m-%d_%H-%M-%S-%f")
        key = f"{self.folder}{encode_component(state.state_id)}/{BACKUPS}{now}.json"
        with explained(f"writing s3://{self._project.bucket}/{key}"):
            self._project.s3.put_object(
                Bucket=self._project.bucket,
                Key=key,
                Body=json.dumps(state.to_dict()).encode(),
                ContentType="application/json",
            )
        return key

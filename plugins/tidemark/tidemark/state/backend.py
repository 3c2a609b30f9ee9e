"""Meltano's state on S3, beside the lake.

Meltano's own S3 backend ignores the endpoint unless keys are configured, takes its folder from a
URI, and reads an empty or damaged file as an empty state, from which the next run would copy
everything again. This one uses the lake's settings and stops at a state that it cannot trust.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from meltano.core.state_store import MeltanoState, StateStoreManager
from tidemark_core.s3.client import S3Location
from tidemark_core.typed_settings import read

from tidemark.config.environment import refuse_open_env_file
from tidemark.config.settings import StateSettings
from tidemark.state import quiet
from tidemark.state.store import State, StateStore, state_folder


class TidemarkStateStore(StateStoreManager):
    """Meltano's view of the `StateStore`."""

    label = "the lake's bucket"

    def __init__(self, *, lock_timeout_seconds: float = 10, **config: Any) -> None:
        """Reads the settings.

        Args:
            lock_timeout_seconds: Age from which a lock counts as left by a crash.
            config: The lake's settings.

        Raises:
            ConfigError: A setting is missing, or others can read the project's ``.env``.
        """
        super().__init__()
        # Every `meltano run` of a tap passes through here, whoever starts it.
        refuse_open_env_file()
        quiet.install()
        settings = read(StateSettings, config)
        location = S3Location.of(settings)
        self._store = StateStore(
            location.client(),
            location.bucket,
            state_folder(settings.s3_high_watermark_key),
            lock_timeout_seconds=lock_timeout_seconds,
        )

    def get(self, state_id: str) -> MeltanoState | None:
        found = self._store.get(state_id)
        return None if found is None else MeltanoState(state_id, found.partial, found.completed)

    def set(self, state: MeltanoState) -> None:
        partial, completed = state.partial_state or {}, state.completed_state or {}
        self._store.set(State(state.state_id, partial, completed))

    def delete(self, state_id: str) -> None:
        self._store.delete(state_id)

    def get_state_ids(self, pattern: str | None = None) -> Iterable[str]:
        return fnmatch.filter(self._store.ids(), pattern or "*")

    @contextmanager
    def acquire_lock(self, state_id: str, *, retry_seconds: float) -> Iterator[None]:
        with self._store.locked(state_id, retry_seconds=retry_seconds):
            yield

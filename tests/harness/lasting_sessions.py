"""A sandbox that keeps its sessions in the warehouse: a login costs more than most statements.

Not for tests that end other people's sessions, or ask how many there are.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redshift_connector.error import InterfaceError
from tidemark_sandbox.parts.warehouse import ask
from tidemark_sandbox.settings.accounts import WAREHOUSE_ADMIN
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from redshift_connector.core import Connection


class LastingSessions(Sandbox):
    """A sandbox whose `warehouse` has one session for each user and thread."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._sessions: dict[tuple[str, int], Connection] = {}

    def warehouse(
        self, sql: str, arguments: Sequence[object] | None = None, *, user: str = WAREHOUSE_ADMIN
    ) -> list[tuple[Any, ...]]:
        key = user, threading.get_ident()
        if key in self._sessions and _has_ended(self._sessions[key]):
            _close(self._sessions.pop(key))
        if key not in self._sessions:
            self._sessions[key] = self.redshift.connect(user)
        try:
            return ask(self._sessions[key], sql, arguments)[1]
        except (InterfaceError, OSError):
            _close(self._sessions.pop(key))
            raise

    def leave(self) -> None:
        """Ends the sessions; the next statement begins one."""
        while self._sessions:
            _close(self._sessions.popitem()[1])


def _has_ended(session: Connection) -> bool:
    """Whether the server has said something unasked, as it does at the end."""
    return bool(select.select([session._usock], [], [], 0)[0])


def _close(session: Connection) -> None:
    with suppress(InterfaceError):  # it is broken
        session.close()

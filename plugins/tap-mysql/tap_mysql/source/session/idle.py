"""Connections on which nothing is under way, kept for the next question."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pymysql

from tap_mysql.source.session.driver import Connection

#: Kept at the same time: a server has few to give.
_MOST = 4
#: Seconds after which a connection is not used again: a firewall on the way may have forgotten it,
#: and would let a question wait for its answer.
_SECONDS = 30.0
#: Seconds for a ping; a server that is slower is asked over a new connection.
_PING_SECONDS = 5


class Idle:
    """Keeps connections; threads may share it.

    To connect takes a dozen round trips, through a bastion too: more than most questions.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: list[tuple[float, Connection]] = []

    def take(self) -> Connection | None:
        """A connection whose server still answers; None: there is none."""
        while (kept := self._pop()) is not None:
            since, connection = kept
            if self._clock() - since <= _SECONDS and _answers(connection):
                return connection
            _close(connection)
        return None

    def give(self, connection: Connection) -> None:
        """Takes a connection back whose answers were read to their end."""
        with self._lock:
            if connection.open and len(self._kept) < _MOST:
                self._kept.append((self._clock(), connection))
                return
        _close(connection)

    def close(self) -> bool:
        """Closes what is kept; whether there was anything."""
        found = False
        while (kept := self._pop()) is not None:
            _close(kept[1])
            found = True
        return found

    def _pop(self) -> tuple[float, Connection] | None:
        with self._lock:
            return self._kept.pop() if self._kept else None


def _answers(connection: Connection) -> bool:
    connection.wait(_PING_SECONDS)
    try:
        connection.ping(reconnect=False)
    except (pymysql.err.MySQLError, OSError):
        return False
    return True


def _close(connection: Connection) -> None:
    with suppress(pymysql.err.MySQLError, OSError):
        connection.close()

"""The processes of `tap_mysql.connectorx.worker`, as who asks sees them: started, asked, ended."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tidemark_core.run_context import is_debug

from tap_mysql.connectorx.worker import HEADER

#: Room of the pipe: what is on its way while the caller encodes (fcntl(2); Linux's limit for all).
_PIPE_BYTES = 2**20
_F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", None)
_POLL_SECONDS = 0.2


class WorkerEndedError(Exception):
    """The process ended in the middle of an answer; the argument is its exit code."""


@dataclass
class Worker:
    """One process."""

    process: subprocess.Popen[bytes]

    def ask(self, request: Mapping[str, Any]) -> None:
        """Sends a request.

        Raises:
            WorkerEndedError: Nobody is there any more.
        """
        assert self.process.stdin is not None  # noqa: S101 - opened with a pipe
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerEndedError(self.process.wait()) from error

    def part(self, waiting: Callable[[], None]) -> tuple[bytes, bytearray]:
        """The next part of the answer.

        Args:
            waiting: Called again and again while nothing comes; ends the wait by raising.

        Returns:
            Its kind and its content.

        Raises:
            WorkerEndedError: The process ended.
        """
        kind, size = HEADER.unpack(self._read(HEADER.size, waiting))
        return kind, self._read(size, waiting)

    def _read(self, size: int, waiting: Callable[[], None]) -> bytearray:
        assert self.process.stdout is not None  # noqa: S101 - opened with a pipe
        pipe = self.process.stdout.fileno()
        data = bytearray(size)
        left = memoryview(data)
        while left:
            if not select.select([pipe], [], [], _POLL_SECONDS)[0]:
                waiting()
                continue
            count = os.readv(pipe, [left])
            if not count:
                raise WorkerEndedError(self.process.wait())
            left = left[count:]
        return data

    def end(self) -> None:
        """Ends the process, whatever it is doing."""
        self.process.kill()
        # Closes the pipes too.
        self.process.communicate()


@dataclass
class Workers:
    """Processes that are started when they are needed and asked again while they are well."""

    _idle: list[Worker] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    #: A process ends with the thread that started it, so that thread must outlive every query.
    _starter: ThreadPoolExecutor | None = None

    def take(self) -> Worker:
        """One that nobody else asks; to be given back, or ended."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._starter is None:
                self._starter = ThreadPoolExecutor(1, "workers")
            starter = self._starter
        return starter.submit(_start).result()

    def give_back(self, worker: Worker) -> None:
        """Takes one back whose last answer is complete."""
        with self._lock:
            if self._starter is not None:
                self._idle.append(worker)
                return
        worker.end()

    def close(self) -> None:
        """Ends those that nobody asks; who asks one ends it."""
        with self._lock:
            idle, self._idle = self._idle, []
            starter, self._starter = self._starter, None
        for worker in idle:
            worker.end()
        if starter is not None:
            starter.shutdown()


def _start() -> Worker:
    process = subprocess.Popen(
        # -P: a file of the folder that we run in is not taken for a module.
        [sys.executable, "-P", "-m", "tap_mysql.connectorx.worker", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Rust's backtraces and each try to connect: for the developer alone.
        stderr=None if is_debug() else subprocess.DEVNULL,
    )
    assert process.stdout is not None  # noqa: S101 - opened with a pipe
    if _F_SETPIPE_SZ is not None:
        # The kernel refuses when the account's pipes are large enough already: it is slower then.
        with suppress(PermissionError):
            fcntl.fcntl(process.stdout.fileno(), _F_SETPIPE_SZ, _PIPE_BYTES)
    return Worker(process)

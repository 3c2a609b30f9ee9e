"""What every part of the sandbox can do, and the one way in which each is started and stopped."""

from __future__ import annotations

import os
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from tidemark_core.host.local_ports import can_bind

from tidemark_sandbox.errors import PortTakenError, SandboxError
from tidemark_sandbox.host.ports import another_block, holder
from tidemark_sandbox.host.processes import Daemon
from tidemark_sandbox.settings.config import Config

#: Longer than any healthy part needs, even on a busy machine.
_PATIENCE = 120.0
#: What a server sees of our own environment: no credentials, proxies or database variables.
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "GOMAXPROCS")


def require_listener(path: Path) -> None:
    """Checks that a server listens on a Unix socket; drivers leak their own sockets if none does.

    Raises:
        OSError: No server does.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        probe.connect(str(path))


class Part(ABC):
    """A server, its data, and the check of its health.

    Attributes:
        name: What people call it.
        needs: Names of the parts that must run before it.
        stop_signal: What makes it end cleanly.
        tcp_ports: What it listens on, if anything.
    """

    name: str
    needs: tuple[str, ...] = ()
    stop_signal = signal.SIGTERM

    def __init__(self, config: Config) -> None:
        self.config = config
        self.daemon = Daemon(
            note=config.run / f"{self.name}.pid",
            log=config.logs / f"{self.name}.log",
            stop_signal=self.stop_signal,
        )
        self._log_from = 0

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return ()

    @property
    def folder(self) -> Path:
        """Its own data."""
        return self.config.dir / self.name

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it is reached, for people."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes what it needs on disk before it starts; safe to repeat after any crash."""

    @abstractmethod
    def command(self) -> list[str]:
        """Program and arguments."""

    @abstractmethod
    def probe(self) -> str:
        """Sends it a real request.

        Returns:
            Its version.

        Raises:
            Exception: Whatever shows that it is not healthy.
        """

    @property
    def data(self) -> Path | None:
        """What is kept of it while it does not run, if anything."""
        return None

    def provision(self) -> None:  # noqa: B027 - most parts have nothing to add
        """Makes users, databases, buckets, once it runs; safe to repeat."""

    def cleanup(self) -> None:  # noqa: B027 - most parts leave nothing
        """Removes what it leaves outside its folder, once it is stopped."""

    def environment(self) -> Mapping[str, str]:
        """The whole environment of its process."""
        return {name: os.environ[name] for name in _INHERITED if name in os.environ}

    def look(self) -> tuple[str | None, str | None]:
        """Its version if it is healthy, or else why it is not."""
        if self.daemon.find() is None:
            return None, "not running"
        try:
            return self.probe(), None
        except Exception as error:  # noqa: BLE001 - whatever fails, it is not healthy
            return None, f"{type(error).__name__}: {error}"

    def start(self) -> None:
        """Starts it unless it runs and is healthy.

        Raises:
            PortTakenError: Another process has one of its ports.
            SandboxError: It ended, or did not answer in time.
        """
        _, problem = self.look()
        if problem is not None:
            self.stop()
            self._check_ports()
            self.prepare()
            self.launch(self.command())
        self.provision()

    def launch(self, command: Sequence[str]) -> None:
        """Starts it by a command, and waits until it is healthy.

        Raises:
            SandboxError: It ended, or did not answer in time.
        """
        self._log_from = self.daemon.log.stat().st_size if self.daemon.log.exists() else 0
        self.daemon.start(command, env=self.environment(), cwd=self.folder)
        self._wait()

    def stop(self) -> None:
        """Ends it and whatever an earlier crash of it left behind."""
        self.daemon.stop()
        self.cleanup()

    def discard(self) -> None:
        """Ends it at once: what it has not written yet goes with its data."""
        self.daemon.kill()
        self.cleanup()

    def _check_ports(self) -> None:
        for port in self.tcp_ports:
            if not can_bind(port):
                raise PortTakenError(
                    f"Port {port} of 127.0.0.1, which {self.name} needs, is taken"
                    f" by {holder(port)}",
                    hint=f"choose another block of ports: {another_block(self.config.base)}"
                    "   (or export SANDBOX_PORT)",
                )

    def _wait(self) -> None:
        limit = time.monotonic() + _PATIENCE
        while True:
            _, problem = self.look()
            if problem is None:
                return
            if self.daemon.find() is None:
                raise SandboxError(
                    f"{self.name} ended while it started:\n{self._tail()}",
                    hint=f"less {self.daemon.log}",
                )
            if time.monotonic() > limit:
                raise SandboxError(
                    f"{self.name} does not answer after {_PATIENCE:.0f} s: {problem}\n"
                    f"{self._tail()}",
                    hint=f"less {self.daemon.log}",
                )
            time.sleep(0.05)

    def _tail(self, lines: int = 8) -> str:
        """The last lines of what it wrote since this start, indented."""
        with self.daemon.log.open("rb") as log:
            log.seek(self._log_from)
            text = log.read().decode(errors="replace")
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])

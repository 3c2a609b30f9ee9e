"""The ssh process of a tunnel: started, watched, started again, ended.

ssh must not outlive us, not even after SIGKILL: it runs under a small shell that waits for the end
of our pipe.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, NoReturn

from tidemark_core.errors import ConfigError, TunnelError
from tidemark_core.host.local_ports import LOCAL_HOST, can_bind, free_port
from tidemark_core.ssh.errors import BastionFacts, explain

#: Ends the child when its own standard input ends, and passes the child's exit code on.
_LEASH = """
exec 3<&0 </dev/null
"$@" 3<&- & child=$!
( read -r _ <&3; kill "$child" ) 2>/dev/null & watch=$!
exec 3<&-
trap 'kill "$child"' TERM INT
wait "$child"; code=$?
kill "$watch" 2>/dev/null
exit "$code"
"""
#: What ssh prints when it listens: the port alone might be another process's.
TUNNEL_STANDS = "tidemark: the tunnel stands"
STANDS_OPTIONS = ("-o", "PermitLocalCommand=yes", "-o", f"LocalCommand=echo '{TUNNEL_STANDS}' >&2")
_PORT_ATTEMPTS = 5
_REASON_SECONDS = 0.5
_PAUSE_SECONDS = 0.02


@dataclass
class TunnelProcess:
    """A tunnel as `tidemark_core.ssh.tunnel.Endpoint`; made by ``open_endpoint``.

    Attributes:
        name: The bastion, for messages.
        command: Makes the ssh command for the local ends.
        socket: Path of the Unix socket, the local end.
        target: What the tunnel leads to, for messages.
        known_hosts: The known_hosts file, for messages.
        host_settings: Environment variables of the bastion's host and port, for messages.
        bastion_address: Host and port of the bastion.
        local_port: Another local end; 0: any free port, chosen once; None: none.
        timeout: Seconds until the tunnel must be up.
        environment: Of the child.
    """

    name: str
    command: Callable[[list[str]], list[str]]
    socket: str | None
    target: str
    known_hosts: str | None
    host_settings: tuple[str, str]
    bastion_address: tuple[str, int]
    local_port: int | None
    timeout: float
    environment: Mapping[str, str]
    host: str = LOCAL_HOST
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stderr: deque[str] = field(default_factory=lambda: deque(maxlen=60))
    _reader: threading.Thread | None = None
    _stands: threading.Event = field(default_factory=threading.Event)

    @property
    def is_down(self) -> bool:
        """See `tidemark_core.ssh.tunnel.Endpoint.is_down`."""
        process = self._process
        return process is None or process.poll() is not None

    def ensure(self) -> None:
        """See `tidemark_core.ssh.tunnel.Endpoint.ensure`."""
        with self._lock:
            if not self.is_down:
                return
            self._end()
            deadline = time.monotonic() + self.timeout
            for attempt in range(1, _PORT_ATTEMPTS + 1):
                self.port = self._choose_port(again=attempt > 1)
                try:
                    self._start(deadline)
                except _PortTakenError as error:
                    if self.local_port or attempt == _PORT_ATTEMPTS:
                        raise ConfigError(
                            f"the local port {self.port} is in use",
                            hint="set SSH_LOCAL_PORT=0"
                            if self.local_port
                            else "find out which process takes the port before ssh does: "
                            f"ss -ltnp 'sport = :{self.port}'",
                        ) from error
                else:
                    return

    def _choose_port(self, *, again: bool) -> int:
        if self.local_port is None:
            return 0
        return self.local_port or (0 if again else self.port) or free_port()

    def check(self) -> None:
        """See `tidemark_core.ssh.tunnel.Endpoint.check`."""
        # The server's connection breaks a moment before ssh has said why.
        deadline = time.monotonic() + _REASON_SECONDS
        while time.monotonic() < deadline and not self.is_down:
            if any("open failed" in line for line in list(self._stderr)):
                error = self._error("the bastion cannot reach the server")
                # Reported once: the next connection may fare better.
                self._stderr.clear()
                raise error
            time.sleep(0.02)
        if self.is_down:
            self._join_reader()
            raise self._error("the tunnel is down")

    def drop(self) -> None:
        """See `tidemark_core.ssh.tunnel.Endpoint.drop`."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """Ends the child; idempotent."""
        with self._lock:
            self._end()

    def _start(self, deadline: float) -> None:
        if self.port and not can_bind(self.port):
            raise _PortTakenError
        self._stderr.clear()
        self._stands.clear()
        with ExitStack() as undo:
            undo.callback(self._end)
            process = self._process = self._open_child()
            reader = threading.Thread(
                target=self._collect, args=(process.stderr,), daemon=True, name="ssh-stderr"
            )
            reader.start()
            self._reader = reader
            self._wait(process, deadline)
            undo.pop_all()

    def _local_ends(self) -> list[str]:
        ends = [self.socket] if self.socket else []
        return ends + ([f"{LOCAL_HOST}:{self.port}"] if self.port else [])

    def _open_child(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _LEASH, "sh", *self.command(self._local_ends())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # ssh runs LocalCommand in the account's shell, which need not be a POSIX one.
                env={**self.environment, "SHELL": "/bin/sh"},
                # Ctrl-C reaches a whole process group: the reader must close before its tunnel.
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(f"ssh cannot be started: {error}") from error

    def _wait(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        """Waits until ssh says that it listens, which it does once it has logged in.

        No connection is tried: MySQL counts connections that say nothing against our host.
        """
        while not self._stands.wait(_PAUSE_SECONDS):
            if process.poll() is not None:
                self._explain_end()
            if time.monotonic() > deadline:
                raise TunnelError(
                    f"the bastion {self.name} did not answer within {self.timeout:.0f} s",
                    hint=f"check {self.host_settings[0]} and the network",
                    retryable=True,
                )

    def _explain_end(self) -> NoReturn:
        self._join_reader()
        if any("Address already in use" in line for line in self._stderr):
            raise _PortTakenError
        raise self._error("ssh ended")

    def _collect(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in stderr:
                text = line.decode(errors="replace").rstrip()
                if text == TUNNEL_STANDS:
                    self._stands.set()
                else:
                    self._stderr.append(text)

    def _join_reader(self) -> None:
        """Waits until all that ssh said is read; the reader's thread closes the pipe."""
        if self._reader is not None:
            self._reader.join(timeout=2)

    def _error(self, fallback: str) -> TunnelError:
        facts = BastionFacts(
            name=self.name,
            host=self.bastion_address[0],
            port=self.bastion_address[1],
            target=self.target,
            known_hosts=self.known_hosts,
            host_setting=self.host_settings[0],
            port_setting=self.host_settings[1],
        )
        return explain(list(self._stderr), facts, fallback)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._join_reader()
        if self._reader is None and process.stderr is not None:
            process.stderr.close()
        self._reader = None


class _PortTakenError(Exception):
    """Another process took the local port between our choice and ssh's bind."""

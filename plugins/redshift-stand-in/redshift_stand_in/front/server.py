"""The front's listeners: sockets, threads, and a clean shutdown."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import stat
import threading
from dataclasses import dataclass
from pathlib import Path

from redshift_stand_in.front.session import FrontSettings, Session
from redshift_stand_in.history import History

logger = logging.getLogger(__name__)

_BACKLOG = 64


@dataclass(frozen=True)
class Address:
    """Where to listen.

    Attributes:
        path: of a Unix socket, or None.
        host: of a TCP listener.
        port: of a TCP listener.
    """

    path: Path | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads ``unix:/path`` or ``tcp:host:port``.

        Raises:
            ValueError: it is neither.
        """
        kind, _, rest = text.partition(":")
        if kind == "unix" and rest:
            return cls(path=Path(rest))
        host, _, port = rest.rpartition(":")
        if kind == "tcp" and host and port.isdigit():
            return cls(host=host, port=int(port))
        raise ValueError(f"{text!r} is neither unix:/path nor tcp:host:port")

    def listen(self) -> socket.socket:
        """Opens the listener; a socket file that a crash left behind is replaced.

        Raises:
            OSError: the address is in use or not available.
        """
        if self.path is not None:
            _remove_stale(self.path)
        with contextlib.ExitStack() as undo:
            family = socket.AF_INET if self.path is None else socket.AF_UNIX
            sock = undo.enter_context(socket.socket(family))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.host, self.port) if self.path is None else str(self.path))
            sock.listen(_BACKLOG)
            undo.pop_all()
        return sock


def _remove_stale(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "exists and is not a socket", str(path))
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise OSError(errno.EADDRINUSE, "another server listens on it", str(path))


class Server:
    """Accepts clients on some addresses, a thread for each of them.

    Args:
        addresses: where to listen.
        settings: for the sessions.
    """

    def __init__(self, addresses: list[Address], settings: FrontSettings) -> None:
        self._settings = settings
        self._history = History(settings.postgres)
        self._addresses = addresses
        self._listeners: list[socket.socket] = []
        self._sessions: dict[Session, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = False

    def start(self) -> None:
        """Opens the listeners and accepts from now on.

        Raises:
            OSError: an address is in use or not available.
        """
        for address in self._addresses:
            listener = address.listen()
            self._listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    @property
    def ports(self) -> list[int]:
        """The TCP ports that it listens on; for port 0, the free one that it got."""
        return [
            listener.getsockname()[1]
            for listener in self._listeners
            if listener.family == socket.AF_INET
        ]

    def stop(self, seconds: float = 5.0) -> None:
        """Closes listeners and sessions, waits for their threads, and stores what they wrote.

        Args:
            seconds: how long to wait for the threads.
        """
        self._stopping = True
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for address in self._addresses:
            if address.path:
                address.path.unlink(missing_ok=True)
        with self._lock:
            sessions = dict(self._sessions)
        for session in sessions:
            session.close()
        for thread in sessions.values():
            thread.join(seconds)
        self._history.flush_all()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                if not self._stopping:
                    logger.exception("a listener has failed")
                return
            if sock.family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(sock, self._settings, self._history)
            thread = threading.Thread(target=self._serve, args=(session,), daemon=True)
            with self._lock:
                self._sessions[session] = thread
            thread.start()

    def _serve(self, session: Session) -> None:
        try:
            session.serve()
        except Exception:
            logger.exception("a session has failed")
        finally:
            with self._lock:
                self._sessions.pop(session, None)

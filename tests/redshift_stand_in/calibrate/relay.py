"""Lets redshift_connector log in to PostgreSQL itself, which knows none of its parameters."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_KNOWN = frozenset({b"user", b"database"})


@contextmanager
def relay(server: Path) -> Iterator[int]:
    """Relays a TCP port to a Unix socket.

    Yields:
        The port.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, server), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, server: Path) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_join, args=(client, server), daemon=True).start()


def _join(client: socket.socket, server: Path) -> None:
    with client, socket.socket(socket.AF_UNIX) as upstream:
        upstream.connect(str(server))
        upstream.sendall(_without_parameters(client))
        back = threading.Thread(target=_answer, args=(upstream, client))
        back.start()
        _pump(client, upstream)
        back.join()


def _answer(upstream: socket.socket, client: socket.socket) -> None:
    """Relays the login with a version that the driver can read, and the rest as it is."""
    kind = b""
    with suppress(OSError):
        while kind not in (b"Z", b"E"):
            kind = upstream.recv(1)
            length = int.from_bytes(upstream.recv(4, socket.MSG_WAITALL))
            body = upstream.recv(length - 4, socket.MSG_WAITALL)
            if kind == b"S" and body.startswith(b"server_version\0"):
                body = body.split(b" ")[0].rstrip(b"\0") + b"\0"
            client.sendall(kind + (len(body) + 4).to_bytes(4) + body)
    _pump(upstream, client)


def _without_parameters(client: socket.socket) -> bytes:
    """The client's StartupMessage, with what PostgreSQL knows of it."""
    length = int.from_bytes(client.recv(4, socket.MSG_WAITALL))
    body = client.recv(length - 4, socket.MSG_WAITALL)
    fields = body[4:].split(b"\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    kept = b"".join(k + b"\0" + v + b"\0" for k, v in pairs if k in _KNOWN)
    return (len(kept) + 9).to_bytes(4) + body[:4] + kept + b"\0"


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)

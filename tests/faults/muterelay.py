"""A way to a server that can fall mute: it stays connected and passes nothing on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MuteRelay:
    """Passes bytes on between its port and a server until it is told to be mute.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        is_mute: Set: what comes is kept.
    """

    def __init__(self, host: str, port: int) -> None:
        self.is_mute = threading.Event()
        self._server = (host, port)
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if not self.is_mute.is_set():
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        """Ends all that it holds open."""
        for each in (self._listener, *self._sockets):
            each.close()


@contextmanager
def mute_relay(host: str, port: int) -> Iterator[MuteRelay]:
    """A relay to a server, for as long as the block works."""
    relay = MuteRelay(host, port)
    try:
        yield relay
    finally:
        relay.close()

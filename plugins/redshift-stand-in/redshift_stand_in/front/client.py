"""The client's side of a session: it sees long names only."""

from __future__ import annotations

import socket

from redshift_stand_in.postgres.long_names import LongNames
from redshift_stand_in.sql.long_names import MARK
from redshift_stand_in.wire import values
from redshift_stand_in.wire.protocol import MessageStream, message, split_messages


class ClientStream(MessageStream):
    """The stream to a client.

    Args:
        sock: a connected socket, plain or TLS.
        names: the cluster's long names.
    """

    def __init__(self, sock: socket.socket, names: LongNames) -> None:
        super().__init__(sock)
        self._names = names

    def flush(self) -> None:
        """Sends what was put; the long names are looked for in all of it at once."""
        if MARK in self._out:
            parts = [self._restored(*part) for part in split_messages(bytes(self._out))]
            self._out = bytearray(b"".join(parts))
        super().flush()

    def _restored(self, kind: bytes, body: bytes) -> bytes:
        if MARK in body:
            restored = self._names.restored
            body = values.in_row(body, restored) if kind == b"D" else restored(body)
        return message(kind, body)

"""Messages of the PostgreSQL frontend/backend protocol, version 3, and a buffered stream of them.

Source: chapter "Frontend/Backend Protocol" of the PostgreSQL manual.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from collections.abc import Callable, Iterator, Mapping

PROTOCOL_3 = 196608
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
#: A longer message is not a start-up packet (PostgreSQL's own limit).
MAX_STARTUP = 10_000

_HEADER = struct.Struct("!ci")
_INT32 = struct.Struct("!i")
_INT16 = struct.Struct("!h")
_READ_SIZE = 1 << 17
_HANG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Disconnected(ConnectionError):  # noqa: N818
    """The other side closed the connection."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    """One message: its kind, its length and its body."""
    return kind + _INT32.pack(len(body) + 4) + body


def split_messages(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The messages in some bytes, each with its kind and its body."""
    at = 0
    while at < len(data):
        kind, length = _HEADER.unpack_from(data, at)
        yield kind, data[at + _HEADER.size : at + 1 + length]
        at += 1 + length


def startup(parameters: Mapping[str, str]) -> bytes:
    """A StartupMessage."""
    body = b"".join(f"{key}\0{value}\0".encode() for key, value in parameters.items()) + b"\0"
    return struct.pack("!ii", len(body) + 8, PROTOCOL_3) + body


def cancel_request(process_id: int, secret: int) -> bytes:
    """A CancelRequest."""
    return struct.pack("!iiii", 16, CANCEL_REQUEST, process_id, secret)


def data_row(values: list[bytes | None]) -> bytes:
    """One DataRow message."""
    cells = [_INT32.pack(-1) if v is None else _INT32.pack(len(v)) + v for v in values]
    return message(b"D", _INT16.pack(len(values)) + b"".join(cells))


def split_data_row(body: bytes) -> list[bytes | None]:
    """The values of a DataRow's body."""
    values: list[bytes | None] = []
    at = 2
    for _ in range(_INT16.unpack_from(body)[0]):
        (size,) = _INT32.unpack_from(body, at)
        at += 4
        values.append(None if size < 0 else body[at : at + size])
        at += max(size, 0)
    return values


class MessageStream:
    """A socket read and written in whole messages.

    Args:
        sock: a connected socket, plain or TLS.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray()
        self._at = 0
        self._out = bytearray()

    def _fill(self, size: int) -> None:
        while len(self._buffer) - self._at < size:
            if self._at:
                del self._buffer[: self._at]
                self._at = 0
            chunk = self.sock.recv(_READ_SIZE)
            if not chunk:
                raise Disconnected("the other side closed the connection")
            self._buffer += chunk

    def read_exactly(self, size: int) -> bytes:
        """Reads ``size`` bytes.

        Raises:
            Disconnected: the stream ended first.
        """
        self._fill(size)
        data = bytes(self._buffer[self._at : self._at + size])
        self._at += size
        return data

    def read(self) -> tuple[bytes, bytes]:
        """Reads one message: its kind and its body."""
        self._fill(5)
        kind, length = _HEADER.unpack_from(self._buffer, self._at)
        self._fill(length + 1)
        start = self._at + 5
        self._at += length + 1
        return kind, bytes(self._buffer[start : self._at])

    def pending(self) -> bool:
        """Whether bytes were read from the socket that no message has used yet."""
        return len(self._buffer) > self._at

    def put(self, kind: bytes, body: bytes = b"") -> None:
        """Adds a message to what the next flush sends."""
        self._out += message(kind, body)
        if len(self._out) > 1 << 18:
            self.flush()

    def put_raw(self, data: bytes) -> None:
        """Adds encoded messages to what the next flush sends."""
        self._out += data

    def flush(self) -> None:
        """Sends what was put."""
        if self._out:
            data, self._out = self._out, bytearray()
            self.sock.sendall(data)

    def close(self) -> None:
        """Closes the socket; a reader in another thread is woken."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self.sock.close()


def wait_for(stream: MessageStream, watched: MessageStream, on_hang_up: Callable[[], None]) -> None:
    """Waits until ``stream`` has something to read, or ``watched`` has hung up.

    Args:
        stream: the server's side, which is busy with a statement.
        watched: the client's side.
        on_hang_up: called once when the client's side has closed.

    Raises:
        Disconnected: the client has gone.
    """
    if stream.pending():
        return
    poll = select.poll()
    poll.register(stream.sock, select.POLLIN)
    poll.register(watched.sock, _HANG_UP)
    for fd, event in poll.poll():
        if fd == watched.sock.fileno() and event & _HANG_UP:
            on_hang_up()
            raise Disconnected("the client has gone")

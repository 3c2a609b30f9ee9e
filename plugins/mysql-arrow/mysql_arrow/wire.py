"""The connection's socket, read with short timeouts only."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pymysql
import pymysql.err

from mysql_arrow.errors import ProtocolError
from mysql_arrow.packets import MOST_BYTES

#: How long one wait lasts at most.
POLL_SECONDS = 0.2
#: Bytes of one read: few enough to stay in a core's own cache until they are parsed.
_BUFFER_BYTES = 256 * 1024
_LOST = 2013
#: Called for each read with how many bytes came, 0 if none for a moment. May raise.
Heard = Callable[[int], None]


class LostError(pymysql.err.OperationalError):
    """The connection is lost: PyMySQL's own error 2013."""


class Wire:
    """The socket of a PyMySQL connection that has logged in.

    Args:
        connection: Open, and used by nothing else meanwhile.
        heard: Called for each read; None: PyMySQL's own ``read_timeout`` applies.
    """

    def __init__(self, connection: pymysql.Connection[Any], heard: Heard | None = None) -> None:
        way: socket.socket | None = getattr(connection, "_sock", None)
        if way is None:
            raise pymysql.err.InterfaceError(0, "the connection is closed")
        self._connection, self._socket = connection, way
        self._patience = way.gettimeout()
        self._last = time.monotonic()
        self._heard = heard or self._limit
        self._sequence = 0
        self.buffer = bytearray(_BUFFER_BYTES)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
        self._view = memoryview(self.buffer)

    @property
    def sequence(self) -> int:
        """The next packet's number."""
        return self._sequence

    def send(self, command: bytes) -> None:
        """Sends a command, and prepares for its answer."""
        try:
            self._socket.settimeout(self._patience)
            self._socket.sendall(command)
            self._socket.settimeout(POLL_SECONDS)
        except OSError as error:
            self._lost(error)
        self._sequence = 1

    def packet(self) -> bytes:
        """One packet from before the rows.

        Raises:
            pymysql.err.OperationalError: The connection is lost.
            ProtocolError: The packet is not the next one, or is too long.
        """
        header = self._exactly(4)
        size = int.from_bytes(header[:3], "little")
        if header[3] != self._sequence:
            self.out_of_sequence(header[3])
        if size > MOST_BYTES:
            raise ProtocolError(f"a packet of {size:,} bytes before the first row")
        self._sequence = (self._sequence + 1) % 256
        return self._exactly(size)

    def receive(self) -> int:
        """Reads into the buffer, and returns how many bytes."""
        return self._read(self._view)

    def out_of_sequence(self, number: int) -> NoReturn:
        """Raises the error for a packet that is not the next one."""
        if number == 0:
            self._lost("the server is shutting down")  # as MariaDB reports it
        raise ProtocolError("a packet is out of sequence")

    def release(self) -> None:
        """Gives the connection back as it was."""
        self._socket.settimeout(self._patience)

    def close(self) -> None:
        """Ends the connection without waiting for the server."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        # Without a QUIT; whoever opened it may still close it.
        self._connection._force_close()  # type: ignore[attr-defined]

    def _exactly(self, size: int) -> bytes:
        data = bytearray(size)
        left = memoryview(data)
        while left:
            left = left[self._read(left) :]
        return bytes(data)

    def _read(self, into: memoryview) -> int:
        while True:
            try:
                size = self._socket.recv_into(into)
            except TimeoutError:
                self._heard(0)
                continue
            except OSError as error:
                self._lost(error)
            if not size:
                self._lost("the server closed it")
            self._heard(size)
            return size

    def _limit(self, size: int) -> None:
        now = time.monotonic()
        if size:
            self._last = now
        elif self._patience is not None and now - self._last > self._patience:
            self._lost("timed out")

    def _lost(self, why: object) -> NoReturn:
        raise LostError(_LOST, f"Lost connection to MySQL server during query ({why})")

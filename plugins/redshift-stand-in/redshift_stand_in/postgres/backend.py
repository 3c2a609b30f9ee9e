"""The front's connection to PostgreSQL."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from redshift_stand_in.errors import BackendError
from redshift_stand_in.postgres.cluster import SUPERUSER
from redshift_stand_in.wire.columns import column_names
from redshift_stand_in.wire.protocol import (
    MessageStream,
    cancel_request,
    message,
    split_data_row,
    startup,
)

#: Session settings that make PostgreSQL read SQL text as Redshift does.
SESSION_SETTINGS = {
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "backslash_quote": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "client_encoding": "UTF8",
    "client_min_messages": "warning",
    "bytea_output": "hex",
    "extra_float_digits": "0",
}

Row = list[str | None]


@dataclass(frozen=True)
class PostgresAddress:
    """Where PostgreSQL listens, and who its superuser is.

    Attributes:
        directory: the folder of its Unix socket.
        port: the number in the socket's name.
        superuser: a role that needs no password on that socket.
    """

    directory: Path
    port: int
    superuser: str = SUPERUSER

    def connect(self) -> socket.socket:
        """Opens a socket.

        Raises:
            OSError: PostgreSQL does not listen there.
        """
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(str(self.directory / f".s.PGSQL.{self.port}"))
        except OSError:
            sock.close()
            raise
        return sock


class Backend(MessageStream):
    """One session with PostgreSQL.

    Attributes:
        status: ``b"I"`` idle, ``b"T"`` in a transaction, ``b"E"`` in a failed one.
        tag: the command tag of the last statement.
        process_id: the server process, once the session is open.
        secret: the key that cancels its statements.
    """

    def __init__(self, address: PostgresAddress) -> None:
        super().__init__(address.connect())
        self.address = address
        self.status = b"I"
        self.tag = ""
        self.process_id = 0
        self.secret = 0

    def cancel(self) -> None:
        """Asks PostgreSQL to stop the running statement."""
        with contextlib.suppress(OSError), contextlib.closing(self.address.connect()) as sock:
            sock.sendall(cancel_request(self.process_id, self.secret))

    def note(self, kind: bytes, body: bytes) -> None:
        """Remembers what a message from PostgreSQL says about the session's state."""
        if kind == b"Z":
            self.status = body
        elif kind == b"C":
            self.tag = body[:-1].decode()
        elif kind == b"K":
            self.process_id, self.secret = struct.unpack("!ii", body)

    def query(self, sql: str) -> list[Row]:
        """Runs statements by the simple protocol.

        Returns:
            The rows of all of them, values as text.

        Raises:
            BackendError: one of them failed.
        """
        self.put(b"Q", sql.encode("utf-8", "surrogateescape") + b"\0")
        self.flush()
        return self.drain()

    def columns(self, sql: str) -> list[str]:
        """The names of the columns that a query returns; it is parsed and not run.

        Raises:
            BackendError: PostgreSQL refused it.
        """
        name = b"redshift_columns\0"
        self.put(b"P", name + sql.encode("utf-8", "surrogateescape") + b"\0\0\0")
        self.put(b"D", b"S" + name)
        self.put(b"C", b"S" + name)
        self.put(b"S")
        self.flush()
        names: list[str] = []
        error: BackendError | None = None
        while True:
            kind, body = self.read()
            self.note(kind, body)
            if kind == b"T":
                names = column_names(body)
            elif kind == b"E":
                error = BackendError(body)
            elif kind == b"Z":
                if error:
                    raise error
                return names

    def drain(self) -> list[Row]:
        """Reads answers up to ReadyForQuery."""
        rows: list[Row] = []
        error: BackendError | None = None
        while True:
            kind, body = self.read()
            self.note(kind, body)
            if kind == b"D":
                rows.append([None if v is None else v.decode() for v in split_data_row(body)])
            elif kind == b"E":
                error = error or BackendError(body)
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    def copy_in(self, sql: str, blocks: Iterable[bytes]) -> int:
        """Runs ``COPY … FROM STDIN`` and feeds it.

        Args:
            sql: the statement.
            blocks: data in COPY's format; an exception from it ends the COPY without rows.

        Returns:
            The number of rows.

        Raises:
            BackendError: PostgreSQL refused the statement or a row.
        """
        self.put(b"Q", sql.encode() + b"\0")
        self.flush()
        kind, body = self.read()
        while kind not in (b"G", b"E"):
            kind, body = self.read()
        if kind == b"E":
            error = BackendError(body)
            with contextlib.suppress(BackendError):
                self.drain()
            raise error
        try:
            for block in blocks:
                self.sock.sendall(message(b"d", block))
                if select.select([self.sock], [], [], 0)[0]:
                    break
            self.put(b"c")
        except BaseException:
            self.put(b"f", b"the load has stopped\0")
            self.flush()
            with contextlib.suppress(BackendError):
                self.drain()
            raise
        self.flush()
        self.drain()
        return int(self.tag.split()[-1])

    def copy_out(self, sql: str, write: Callable[[bytes], object]) -> int:
        """Runs ``COPY … TO STDOUT``.

        Args:
            sql: the statement.
            write: called with each block of data.

        Returns:
            The number of rows.
        """
        self.put(b"Q", sql.encode() + b"\0")
        self.flush()
        error: BackendError | None = None
        failure: Exception | None = None
        while True:
            kind, body = self.read()
            self.note(kind, body)
            if kind == b"d" and failure is None:
                try:
                    write(body)
                except Exception as exc:  # noqa: BLE001 - raised again once the copy has ended
                    failure = exc
                    self.cancel()
            elif kind == b"E":
                error = BackendError(body)
            elif kind == b"Z":
                if failure:
                    raise failure
                if error:
                    raise error
                return int(self.tag.split()[-1])


def open_as_superuser(address: PostgresAddress, database: str) -> Backend:
    """Opens a session of its own as the superuser: what it does outlives the client's rollback.

    Raises:
        BackendError: PostgreSQL refused the session.
    """
    backend = Backend(address)
    parameters = {
        "user": address.superuser,
        "database": database,
        **SESSION_SETTINGS,
        "standard_conforming_strings": "on",
    }
    backend.put_raw(startup(parameters))
    backend.flush()
    try:
        backend.drain()
    except BaseException:
        backend.close()
        raise
    return backend

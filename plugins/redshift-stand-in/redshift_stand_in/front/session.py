"""One client's session: start-up, then statement by statement in lock-step with PostgreSQL."""

from __future__ import annotations

import hashlib
import logging
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from redshift_stand_in.context import Context, S3Settings
from redshift_stand_in.errors import (
    INVALID_AUTHORIZATION,
    StatementError,
    decode_fields,
)
from redshift_stand_in.front.client import ClientStream
from redshift_stand_in.front.executor import Executor
from redshift_stand_in.history import History, Journal
from redshift_stand_in.postgres.backend import SESSION_SETTINGS, Backend, PostgresAddress
from redshift_stand_in.postgres.long_names import LongNames
from redshift_stand_in.wire.protocol import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    MAX_STARTUP,
    PROTOCOL_3,
    SSL_REQUEST,
    Disconnected,
    startup,
)
from redshift_stand_in.wire.version import ANSWERED, ASKED, agreed

logger = logging.getLogger(__name__)

#: What Redshift reports; drivers choose their SQL by it.
SERVER_VERSION = "8.0.2"
_PASSWORD_WANTED = (3, 5, 10, 11)
_CLEARTEXT, _MD5 = struct.pack("!i", 3), struct.pack("!i", 5)
_FORWARDED = ("application_name",)


@dataclass(frozen=True)
class FrontSettings:
    """What a session needs to know of the front.

    Attributes:
        postgres: where PostgreSQL is.
        s3: where S3 is.
        tls: certificate and key, or None to refuse TLS.
    """

    postgres: PostgresAddress
    s3: S3Settings
    tls: ssl.SSLContext | None = None

    @cached_property
    def names(self) -> LongNames:
        """The cluster's long names."""
        return LongNames(self.postgres)


class Session:
    """Serves one client until it leaves.

    Args:
        sock: the accepted connection.
        settings: of the front.
        history: what all sessions write.
    """

    def __init__(self, sock: socket.socket, settings: FrontSettings, history: History) -> None:
        self._settings = settings
        self._history = history
        self._client = ClientStream(sock, settings.names)
        self._backend: Backend | None = None

    def serve(self) -> None:
        """Runs the session to its end; a connection error ends it quietly."""
        try:
            parameters = self._negotiate()
            if parameters is None:
                return
            context = self._open(parameters)
            if context is not None:
                Executor(self._client, context).run()
        except (OSError, Disconnected) as error:
            logger.info("session ended: %s", error)
        finally:
            self.close()

    def close(self) -> None:
        """Ends the session from any thread: PostgreSQL rolls back what was open."""
        self._client.close()
        if self._backend:
            self._backend.close()

    def _negotiate(self) -> dict[str, str] | None:
        """Reads up to the start-up packet: its parameters, or None if no session follows."""
        while True:
            length, code = struct.unpack("!ii", self._client.read_exactly(8))
            if not 8 <= length <= MAX_STARTUP:
                raise Disconnected("not a start-up packet")
            if code == SSL_REQUEST and self._settings.tls:
                self._client.sock.sendall(b"S")
                sock = self._settings.tls.wrap_socket(self._client.sock, server_side=True)
                self._client = ClientStream(sock, self._settings.names)
            elif code in (SSL_REQUEST, GSS_REQUEST):
                self._client.sock.sendall(b"N")
            elif code == CANCEL_REQUEST:
                self._forward_cancel(self._client.read_exactly(length - 8))
                return None
            elif code == PROTOCOL_3:
                parts = self._client.read_exactly(length - 8).decode("utf-8", "replace").split("\0")
                return dict(zip(parts[0::2], parts[1::2], strict=False))
            else:
                self._fail(StatementError("unsupported frontend protocol", "08P01"))
                return None

    def _forward_cancel(self, body: bytes) -> None:
        with self._settings.postgres.connect() as sock:
            sock.sendall(struct.pack("!ii", 16, CANCEL_REQUEST) + body)

    def _open(self, given: Mapping[str, str]) -> Context | None:
        """Opens the session with PostgreSQL, the client's password passed on; None when refused."""
        names = self._settings.names
        user = names.short(given.get("user", ""))
        database = names.short(given.get("database") or user)
        if user == self._settings.postgres.superuser or not user:
            self._fail(
                StatementError(
                    f'password authentication failed for user "{user}"', INVALID_AUTHORIZATION
                )
            )
            return None
        # Redshift's drivers send parameters that PostgreSQL would refuse.
        parameters = {"user": user, "database": database, **SESSION_SETTINGS}
        parameters |= {key: given[key] for key in _FORWARDED if key in given}
        self._backend = backend = Backend(self._settings.postgres)
        backend.put_raw(startup(parameters))
        backend.flush()
        version = agreed(given.get(ASKED, ""))
        logger.info("start: user %s, database %s, protocol %s", user, database, version.name)
        while True:
            kind, body = backend.read()
            backend.note(kind, body)
            if kind == b"S" and body.startswith(b"server_version\0"):
                body = f"server_version\0{SERVER_VERSION}\0".encode()
                if ASKED in given:
                    self._client.put(b"S", f"{ANSWERED}\0{version}\0".encode())
            if kind == b"R" and struct.unpack_from("!i", body)[0] in _PASSWORD_WANTED:
                own = user != given["user"] and body.startswith(_MD5)
                backend.put(*self._password(body, user, own=own))
                backend.flush()
                continue
            self._client.put(kind, body)
            if kind == b"E":
                logger.info("refused: %s", decode_fields(body).get("M"))
                self._client.flush()
                return None
            if kind == b"Z":
                self._client.flush()
                journal = Journal(self._history, user, database)
                return Context(backend, self._settings.s3, user, database, names, journal, version)

    def _password(self, asked: bytes, user: str, *, own: bool) -> tuple[bytes, bytes]:
        """The client's answer to PostgreSQL's request for a password.

        An MD5 digest is of the user's name too: where PostgreSQL has a short one (`own`), the
        client is asked for the password itself.
        """
        self._client.put(b"R", _CLEARTEXT if own else asked)
        self._client.flush()
        kind, answer = self._client.read()
        return kind, md5_answer(answer[:-1], user, asked[-4:]) if own else answer

    def _fail(self, error: StatementError) -> None:
        payload = error.payload().replace(b"SERROR\0", b"SFATAL\0", 1)
        self._client.put(b"E", payload)
        self._client.flush()


def md5_answer(password: bytes, user: str, salt: bytes) -> bytes:
    """The body of a PasswordMessage for PostgreSQL's AuthenticationMD5Password."""
    inner = _md5(password + user.encode())
    return b"md5" + _md5(inner + salt) + b"\0"


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()

"""A session with the server, by redshift_connector."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redshift_stand_in.calibrate.asking.outcome import Column, Outcome, Row, shown
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.wire.version import Version

#: Milliseconds after which the server ends a statement.
_LONGEST = 60_000
#: SQLSTATEs of a server that ends the session.
_ENDED = frozenset({"57P01", "57P02", "57P03"})
#: In place of a SQLSTATE where the driver cannot read an answer.
DRIVER = "driver"


class LostConnection(Exception):  # noqa: N818 - reads as what it says
    """The server, or what lies before it, has ended the session."""


@dataclass(frozen=True)
class Target:
    """The server that is asked.

    Attributes:
        host: Its name or address.
        port: Its TCP port.
        database: Where the schema is made.
        user: Who makes it.
        password: The user's.
        tls: Whether the session is encrypted, and the certificate verified.
    """

    host: str
    port: int
    database: str
    user: str
    password: str
    tls: bool = True


class Session:
    """A session in autocommit mode, whose values come as text.

    Args:
        target: The server.
        version: Of the protocol that is asked for.

    Raises:
        CalibrationError: It does not let us in.
    """

    def __init__(self, target: Target, version: Version = Version.BASE) -> None:
        self._connection, driver_error = _connect(target, version)
        self._connection.autocommit = True
        #: What the driver raises if there is no session any more.
        self._losses = (driver_error, OSError, struct.error)
        self.ask(f"set statement_timeout to {_LONGEST}")

    @property
    def protocol(self) -> int:
        """The version of the protocol that the server has agreed to."""
        return int(self._connection._client_protocol_version)

    def ask(self, statement: str) -> Outcome:
        """Runs a statement.

        Returns:
            What became of it. After an error of the code `DRIVER` the session is of no use: the
            driver has not read the answer to its end.

        Raises:
            LostConnection: There is no session any more.
        """
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement)
            return _answer(cursor)
        except Exception as error:  # noqa: BLE001 - whatever the driver cannot read is recorded
            return self._error(error)

    def close(self) -> None:
        """Ends it; what was not committed is undone."""
        with contextlib.suppress(Exception):
            self._connection.close()

    def _error(self, error: Exception) -> Outcome:
        fields = error.args[0] if error.args else None
        if isinstance(fields, Mapping) and fields.get("C") not in _ENDED:
            detail = f" {fields['D']}" if fields.get("D") else ""
            return Outcome(str(fields.get("C")), f"{fields.get('M')}{detail}")
        if isinstance(error, self._losses):
            raise LostConnection(str(error)) from error
        return Outcome(DRIVER, f"{type(error).__name__}: {error}")


def _connect(target: Target, version: Version) -> tuple[Any, type[Exception]]:
    try:
        import redshift_connector
    except ImportError as error:
        raise CalibrationError(
            "redshift_connector is not installed. Next: pip install 'redshift-stand-in[calibrate]'"
        ) from error
    try:
        connection = redshift_connector.connect(
            host=target.host,
            port=target.port,
            database=target.database,
            user=target.user,
            password=target.password,
            ssl=target.tls,
            sslmode="verify-full",
            timeout=None,
            client_protocol_version=int(version),
        )
    except (redshift_connector.Error, OSError) as error:
        raise CalibrationError(_refused(target, error)) from error
    return connection, redshift_connector.Error


def _refused(target: Target, error: Exception) -> str:
    fields = error.args[0] if error.args else error
    text = fields.get("M") if isinstance(fields, Mapping) else error
    where = f"host={target.host} port={target.port} dbname={target.database} user={target.user}"
    return f"{target.user} cannot connect to {target.host}: {text}. Next: psql '{where}'"


def _answer(cursor: Any) -> Outcome:
    if not cursor.description:
        return Outcome()
    columns = tuple(map(_column, cursor.ps["row_desc"]))
    return Outcome(columns=columns, rows=tuple(map(_row, cursor.fetchall())))


def _column(field: Mapping[str, Any]) -> Column:
    label = field["label"].decode("utf-8", "replace")
    return Column(label, field["type_oid"], field["type_size"], field["type_modifier"])


def _row(values: Any) -> Row:
    return tuple(map(shown, values))

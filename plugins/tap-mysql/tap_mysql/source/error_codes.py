"""MySQL's error numbers, and what each means for a run.

Numbers: MySQL manual, Server Error Message Reference; 1927 and 1969 are MariaDB's.
"""

from __future__ import annotations

import re
from enum import Enum

from tidemark_core.errors import SourceError
from tidemark_core.names import TableName


class Cure(Enum):
    """What to do about an error."""

    #: Wait, connect again, continue from the last finished file.
    RETRY = "retry"
    #: The query was killed or took too long: ask for less at a time.
    SMALLER = "smaller"
    #: The table's definition changed during the read, or another server answers: look again.
    REDISCOVER = "rediscover"
    #: Nothing but the operator can help.
    STOP = "stop"


_LOST = frozenset({1053, 1077, 1079, 1152, 1153, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006,
                   2013, 2055})  # fmt: skip
#: 1461 and 1615: too many prepared statements, or tables altered too often, at the moment.
_BUSY = frozenset({1040, 1203, 1205, 1213, 1226, 1461, 1615})
_KILLED = frozenset({1317, 1969, 3024})
_CHANGED = frozenset({1054, 1412})
#: The errors of `Server.guard`: the variable has another value, or does not exist (MySQL in place
#: of MariaDB). No other statement of a read raises these.
ANOTHER_SERVER = frozenset({1193, 1231})
_DENIED = frozenset({1045, 1698})
_DEFINER = (
    "if it is a view, its definer no longer exists, or may not read the underlying tables: SHOW "
    "CREATE VIEW shows the definer; give the view a different one, or exclude it with a select rule"
)
_HINTS = {
    1356: _DEFINER,
    1449: _DEFINER,
    1045: "correct DB_USER and DB_PASSWORD",
    1698: "correct DB_USER and DB_PASSWORD",
    1044: "GRANT SELECT ON the database TO the user, or correct DB_DATABASE",
    1049: "correct DB_DATABASE",
    1142: "GRANT SELECT ON the table TO the user",
    1143: "GRANT SELECT ON the column TO the user, or exclude it with a select rule",
    1146: "the table no longer exists: remove its select rule from extract/extractors.meltano.yml",
    1153: "raise the server's max_allowed_packet above the largest row",
    2059: "set DB_SSL_MODE=verify, or give the user another authentication plugin",
    2061: "set DB_SSL_MODE=verify; or set DB_SERVER_PUBLIC_KEY to a file with the server's public "
    "RSA key, as shown by SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key' on the server; "
    "or give the user another authentication plugin",
    3159: "set DB_SSL_MODE=verify: the server requires TLS",
}
#: pymysql's number (CR_SSL_CONNECTION_ERROR) when the server's greeting has no CLIENT_SSL.
_NO_TLS = 2026
_CERTIFICATE = re.compile(r"certificate verify failed: (.*?) \(_ssl")


class TableChangedError(Exception):
    """What is known of a table is no longer true: it must be inspected again.

    Args:
        what: What happened.
        hint: What to do if it happens again and again.
    """

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def number_in(error: BaseException | None) -> int:
    """The error number in an error of the plain driver; 0 for none."""
    first = error.args[0] if error is not None and error.args else 0
    return first if isinstance(first, int) else 0


def cure_of(number: int) -> Cure:
    """Decides what to do about an error, by MySQL's number."""
    if number in _KILLED:
        return Cure.SMALLER
    if number in _CHANGED | ANOTHER_SERVER:
        return Cure.REDISCOVER
    # 1153: the row will not become shorter.
    if number != 1153 and (number in _LOST or number in _BUSY):
        return Cure.RETRY
    return Cure.STOP


def source_error(
    number: int, text: str, table: TableName | None = None, *, logged_in: bool = False
) -> SourceError:
    """Turns a driver's error into the operator's, with the first line of the driver's words.

    Args:
        number: MySQL's number.
        text: The driver's words.
        table: What was read.
        logged_in: Whether the login had succeeded: then it is a view that is denied access.
    """
    hint = _DEFINER if logged_in and number in _DENIED else _HINTS.get(number)
    return SourceError(
        f"MySQL: {summary(text)}" + (f" ({number})" if number and str(number) not in text else ""),
        table=table,
        hint=hint,
        retryable=cure_of(number) is Cure.RETRY,
    )


def tls_error(number: int, text: str) -> SourceError | None:
    """The operator's error for a connection that TLS refused; None if it was something else."""
    if number == _NO_TLS:
        return SourceError(
            "MySQL does not offer TLS, which DB_SSL_MODE=verify requires",
            hint="enable TLS on the server; use DB_SSL_MODE=disabled only on a secure network",
        )
    match = _CERTIFICATE.search(text)
    if match is None:
        return None
    wrong_host = "mismatch" in match[1]
    return SourceError(
        f"MySQL's certificate was rejected: {match[1]}",
        hint="set DB_HOST, or DB_SSL_SERVER_NAME, to a name in the certificate"
        if wrong_host
        else "set DB_SSL_CA to the CA file for the server's certificate",
    )


def summary(text: str) -> str:
    """The first line of a driver's text."""
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return line[:300]

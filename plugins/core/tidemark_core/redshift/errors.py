"""Turns errors of the warehouse driver into hints for the operator. Pure."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from tidemark_core.errors import WarehouseError

#: SQLSTATE → next step. https://www.postgresql.org/docs/8.0/errcodes-appendix.html, which
#: Redshift follows; XX000 and 40001 are told apart by their text.
_HINTS = {
    "28000": "correct REDSHIFT_USER and REDSHIFT_PASSWORD",
    "28P01": "correct REDSHIFT_USER and REDSHIFT_PASSWORD",
    "3D000": "correct REDSHIFT_DATABASE, or create the database",
    "42501": "grant the privilege to the loader; load/redshift/*.sql contains every grant it needs",
    "53100": "free disk space in the warehouse (VACUUM, drop tables, resize), then run again",
    "53300": "wait until connections are free, or raise the user's connection limit",
    "55P03": "find the blocking session with SELECT * FROM svv_transactions, then run again",
    "57014": (
        "a timeout or a workload management rule cancelled it: check stl_wlm_rule_action (on "
        "Serverless, sys_query_history) and svv_transactions, and raise "
        "REDSHIFT_STATEMENT_TIMEOUT_SECONDS if it was too short"
    ),
}
_RETRYABLE_STATES = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "08000", "08003"})
#: The warehouse is full, going down, or takes no more sessions: no other table would fare better.
_WHOLE_WAREHOUSE = frozenset(
    {*("53100", "53300", "57P01", "57P02", "57P03"), *("08000", "08003", "28000", "28P01", "3D000")}
)
#: https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation-serializable-isolation-troubleshooting.html
_SERIALIZABLE = re.compile(r"\b1023\b|serializable isolation violation|could not serialize", re.I)
_DISK_FULL = re.compile(r"disk full|no space left", re.I)
#: A rule that aborts
#: (https://docs.aws.amazon.com/redshift/latest/dg/cm-c-wlm-query-monitoring-rules.html)
#: is reported as an internal error, XX000: "abort query", "system requested abort".
_ABORTED = re.compile(r"\babort query\b|system requested abort|\bWLM\b", re.I)


class QueryError(WarehouseError):
    """A statement failed.

    Attributes:
        sqlstate: Five characters; empty when the connection was lost.
        lost: Whether the connection is gone, so that the statement's outcome is unknown.
    """

    def __init__(self, message: str, *, sqlstate: str = "", lost: bool = False, **where: Any):
        super().__init__(message, **where)
        self.sqlstate = sqlstate
        self.lost = lost


def explain_query(error: BaseException, what: str, *, table: object | None = None) -> QueryError:
    """Explains why a statement failed. Only the server's message is shown, never its details.

    Args:
        error: What the driver raised.
        what: What was being done, such as ``"COPY into landing.orders"``.
        table: The source table, for the message.
    """
    fields = _server_fields(error)
    if fields is None and any(isinstance(cause, UnicodeError) for cause in _causes(error)):
        return QueryError(
            f"the response to {what} contains text that the driver cannot decode: "
            f"{_innermost(error)}",
            lost=True,
            table=table,
            hint="set DEBUG=true for the traceback; nothing was committed for the table",
        )
    if fields is None:
        return QueryError(
            f"the connection to the warehouse was lost during {what}: {_innermost(error)}",
            lost=True,
            retryable=True,
            stops_all=True,
            table=table,
            hint="run it again: uncommitted changes were rolled back",
        )
    state, message = fields.get("C", ""), fields.get("M", "").strip()
    if _DISK_FULL.search(message):
        state = "53100"
    elif _ABORTED.search(message):
        state = "57014"
    return QueryError(
        f"the warehouse refused {what}: {message} (SQLSTATE {state})",
        sqlstate=state,
        retryable=state in _RETRYABLE_STATES or bool(_SERIALIZABLE.search(message)),
        stops_all=state in _WHOLE_WAREHOUSE,
        table=table,
        hint=_HINTS.get(state),
    )


def mute(seconds: float, what: str, *, table: object | None = None) -> QueryError:
    """The error for a warehouse that keeps the connection open and does not answer.

    Args:
        seconds: How long we waited for it.
        what: What was being done.
        table: The source table, for the message.
    """
    return QueryError(
        f"the warehouse has not responded for {seconds:.0f} s during {what}, which is longer than "
        "its statement timeout: it is hanging, or the connection behind the bastion is gone",
        lost=True,
        stops_all=True,
        table=table,
        hint="check whether the cluster is up; uncommitted changes are rolled back. If a statement "
        "needs longer, raise REDSHIFT_STATEMENT_TIMEOUT_SECONDS",
    )


def explain_connect(error: BaseException, address: str, *, user: str) -> WarehouseError:
    """Explains why a connection could not be made; the password is never part of it.

    Args:
        error: What the driver raised.
        address: The warehouse as the settings name it, ``host:port/database``.
        user: The user that logged in.
    """
    fields = _server_fields(error)
    if fields is not None:
        state, message = fields.get("C", ""), fields.get("M", "").strip()
        return WarehouseError(
            f"the warehouse {address} refused user {user!r}: {message} (SQLSTATE {state})",
            hint=_HINTS.get(state, "compare the REDSHIFT_* settings with the warehouse"),
            retryable=state in _RETRYABLE_STATES or state == "53300",
        )
    for cause in _causes(error):
        for kind, what, hint, retryable in _CONNECT_CAUSES:
            if isinstance(cause, kind):
                return WarehouseError(
                    f"the warehouse {address} {what}: {cause}", hint=hint, retryable=retryable
                )
    refused_tls = "Server refuses SSL" in str(error)
    return WarehouseError(
        f"the warehouse {address} could not be reached: {_innermost(error)}",
        hint="it does not offer TLS: correct REDSHIFT_HOST and REDSHIFT_PORT"
        if refused_tls
        else "check REDSHIFT_HOST, REDSHIFT_PORT and the network",
        retryable=not refused_tls,
    )


# The order matters: each of the first ones is an OSError too.
_CONNECT_CAUSES: tuple[tuple[type[BaseException], str, str, bool], ...] = (
    (socket.gaierror, "has no address", "correct REDSHIFT_HOST", False),
    (
        ssl.SSLCertVerificationError,
        "has a certificate that cannot be trusted",
        "set REDSHIFT_SSL_ROOT_CERT to the certificate authority's file, and "
        "REDSHIFT_SSL_SERVER_NAME if the certificate has a different name",
        False,
    ),
    (ConnectionRefusedError, "refused the connection", "correct REDSHIFT_PORT; is it up?", True),
    (
        TimeoutError,
        "did not answer in time",
        "allow network access (security group, VPN), or set REDSHIFT_SSH_BASTION_HOST",
        True,
    ),
    (OSError, "could not be reached", "check REDSHIFT_HOST and the network", True),
)


def _server_fields(error: BaseException) -> dict[str, str] | None:
    """The fields of the server's ErrorResponse; None when the server did not answer."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, dict) and "M" in first else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The driver puts the reason into its arguments instead of raising from it."""
    for argument in (*error.args, error.__cause__, error.__context__):
        if isinstance(argument, BaseException):
            yield argument
            yield from _causes(argument)
    yield error


def _innermost(error: BaseException) -> str:
    cause = next(_causes(error))
    return str(cause) or type(cause).__name__

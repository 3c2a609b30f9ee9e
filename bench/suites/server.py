"""The stand-in that a suite talks to, for as long as it runs."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redshift_connector
from redshift_stand_in.local import StandIn, Wishes, running
from tidemark_sandbox.certificates import ensure_certificates


@contextmanager
def stand_in(certificates: Path) -> Iterator[StandIn]:
    """An empty stand-in on a free port, with TLS, under the names that a new cluster has.

    Args:
        certificates: Where the server's and its authority's are, or are made.
    """
    ensure_certificates(certificates)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with running(Wishes(host="localhost", user="awsuser", tls=tls)) as server:
        yield server


def connect(server: StandIn) -> Any:
    """A session of the administrator's that commits each statement."""
    connection = redshift_connector.connect(
        host=server.host,
        port=server.port,
        database=server.database,
        user=server.user,
        password=server.password,
        ssl=False,
    )
    connection.autocommit = True
    return connection


def set_up(server: StandIn, statements: Iterable[str]) -> None:
    """Runs what a suite expects to be done."""
    with connect(server) as connection:
        for statement in statements:
            connection.cursor().execute(statement)

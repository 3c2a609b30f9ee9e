"""A whole stand-in on this machine: PostgreSQL as a child, the front in this process."""

from __future__ import annotations

import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote as quote_url

from redshift_stand_in import catalogue
from redshift_stand_in.context import S3Settings
from redshift_stand_in.errors import BackendError
from redshift_stand_in.front.server import Address, Server
from redshift_stand_in.front.session import FrontSettings
from redshift_stand_in.postgres.backend import PostgresAddress, open_as_superuser
from redshift_stand_in.postgres.cluster import PORT, Cluster, ClusterError
from redshift_stand_in.postgres.long_names import LongNames
from redshift_stand_in.sql.lexer import literal, quote

_PATIENCE = 30.0


@dataclass(frozen=True)
class StandIn:
    """A running stand-in: what a driver needs to connect.

    Attributes:
        host: 127.0.0.1, unless set otherwise.
        port: TCP port.
        database: The database that was made.
        user: Its owner, who may make other users.
        password: The owner's.
    """

    host: str
    port: int
    database: str
    user: str
    password: str

    @property
    def url(self) -> str:
        """The address as libpq and SQLAlchemy take it, without the password."""
        user, database = quote_url(self.user, safe=""), quote_url(self.database, safe="")
        return f"postgresql://{user}@{self.host}:{self.port}/{database}"


@dataclass(frozen=True)
class Wishes:
    """The settings of a stand-in.

    Attributes:
        folder: Where its data is kept; None: the data is removed with the stand-in.
        host: Where to listen.
        port: 0 for any that is free.
        database: Made unless it is there.
        user: Likewise, with `password`.
        password: The user's.
        s3: Where COPY and UNLOAD go; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
        tls: Certificate and key; None refuses TLS.
    """

    folder: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    database: str = "dev"
    user: str = "admin"
    password: str = "Secret123"  # noqa: S105 - of a server for tests, printed when it starts
    s3: S3Settings | None = None
    tls: ssl.SSLContext | None = None


@contextmanager
def running(wishes: Wishes) -> Iterator[StandIn]:
    """Runs a stand-in until the block ends.

    Raises:
        ClusterError: PostgreSQL is not available, or did not start.
        OSError: The port is taken.
    """
    with ExitStack() as stack:
        # The path of a Unix socket must be short.
        sockets = Path(tempfile.mkdtemp(prefix="rs-"))
        stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        sockets.chmod(0o755)
        folder = wishes.folder or sockets / "pg"
        cluster = Cluster(folder.absolute(), sockets / "s")
        cluster.prepare()
        stack.enter_context(running_postgres(cluster))
        address = PostgresAddress(cluster.sockets, PORT)
        provide(address, wishes)
        settings = FrontSettings(address, wishes.s3 or S3Settings(None), wishes.tls)
        server = Server([Address(host=wishes.host, port=wishes.port)], settings)
        server.start()
        stack.callback(server.stop)
        [port] = server.ports
        yield StandIn(wishes.host, port, wishes.database, wishes.user, wishes.password)


@contextmanager
def running_postgres(cluster: Cluster, settings: Mapping[str, str] | None = None) -> Iterator[None]:
    """Runs a cluster's PostgreSQL until the block ends, or this thread does.

    Args:
        cluster: Prepared.
        settings: Added to ours or replacing them, by name.

    Raises:
        ClusterError: It did not start.
    """
    log_path = cluster.folder / "postgres.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            cluster.command(settings, leashed=True), stdout=log, stderr=log, cwd=cluster.folder
        )
    try:
        _wait(cluster, process, log_path)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _wait(cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < limit:
        with suppress(OSError, BackendError):
            open_as_superuser(PostgresAddress(cluster.sockets, PORT), "postgres").close()
            return
        time.sleep(0.05)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    raise ClusterError(f"PostgreSQL did not start:\n{tail}")


def provide(address: PostgresAddress, wishes: Wishes) -> None:
    """Makes the user and the database unless they are there; the password is set again.

    Raises:
        BackendError: PostgreSQL refused.
    """
    backend = open_as_superuser(address, "postgres")
    names = LongNames(address)
    user, database = names.short(wishes.user), names.short(wishes.database)
    try:
        if not backend.query(f"select 1 from pg_roles where rolname = {literal(user)}"):
            backend.query(f"create role {quote(user)} login createrole createdb")
        backend.query(f"alter role {quote(user)} password {literal(wishes.password)}")
        if not backend.query(f"select 1 from pg_database where datname = {literal(database)}"):
            backend.query(f"create database {quote(database)} owner {quote(user)}")
    finally:
        backend.close()
    catalogue.install(address.directory, address.port, database)

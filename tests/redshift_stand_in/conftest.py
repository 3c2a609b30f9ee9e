"""The stand-in on servers of its own: PostgreSQL, SeaweedFS and the front, in temporary folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg2
import pytest
import redshift_connector
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from redshift_stand_in.local import Wishes, provide, running_postgres
from redshift_stand_in.postgres.backend import PostgresAddress
from redshift_stand_in.postgres.cluster import PORT, SUPERUSER, Cluster
from redshift_stand_in.wire.version import Version
from tidemark_sandbox.host.ports import Ports, free_port_block

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROLE = "iam_role 'arn:aws:iam::000000000000:role/copy'"
DATABASE = "dev"
PASSWORD = "Secret123"
BUCKET = "stage"
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox-secret"}


def wait_until(what: str, ready: Callable[[], bool], process: subprocess.Popen[Any]) -> None:
    """Waits until a server answers; fails when it ends or takes too long."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"{what} has ended with {process.returncode}")
        with contextlib.suppress(OSError, BotoCoreError, ClientError, psycopg2.OperationalError):
            if ready():
                return
        time.sleep(0.05)
    pytest.fail(f"{what} does not answer")


def end(process: subprocess.Popen[Any], number: int = signal.SIGTERM) -> None:
    """Ends a process that a fixture has started."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class World:
    """The running servers."""

    folder: Path
    tcp_port: int
    s3: S3Client
    front: subprocess.Popen[bytes]
    s3_url: str
    certificate: Path
    key: Path
    open_connections: list[Any] = field(default_factory=list)

    @property
    def socket_path(self) -> str:
        return str(self.folder / "front" / "warehouse.sock")

    def connect(
        self,
        user: str = "admin",
        *,
        autocommit: bool = True,
        password: str = PASSWORD,
        version: Version = Version.BINARY,
    ) -> Any:
        """A session by redshift_connector; it asks for the newest protocol unless it is told to."""
        connection = redshift_connector.connect(
            host="127.0.0.1",
            port=self.tcp_port,
            database=DATABASE,
            user=user,
            password=password,
            ssl=False,
            client_protocol_version=version,
        )
        connection.autocommit = autocommit
        self.open_connections.append(connection)
        return connection

    def superuser(self) -> Any:
        """A session with PostgreSQL itself."""
        connection = psycopg2.connect(
            host=str(self.folder / "pg"), port=PORT, user=SUPERUSER, dbname=DATABASE
        )
        connection.autocommit = True
        self.open_connections.append(connection)
        return connection

    def launch(self, addresses: list[str]) -> subprocess.Popen[bytes]:
        """Another front on the same PostgreSQL and S3."""
        return launch_front(self.folder, self.s3_url, addresses, self.certificate, self.key)

    def put(self, key: str, body: bytes | str) -> str:
        data = body.encode() if isinstance(body, str) else body
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return sorted(o["Key"] for o in found)


#: Puts data into S3, and gives the COPY that loads it into a table.
Copy = Callable[..., str]


class Sql:
    """Runs statements in one session and gives rows, or the error that the client sees."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.cursor = connection.cursor()

    def __call__(self, text: str, *parameters: Any) -> list[Any]:
        self.cursor.execute(text, parameters or None)
        return [list(row) for row in self.cursor.fetchall()] if self.cursor.description else []

    def error(self, text: str) -> str:
        """The message of the error that the statement must raise."""
        with pytest.raises(redshift_connector.Error) as caught:
            self(text)
        fields = caught.value.args[0]
        return (
            f"{fields['M']} {fields.get('D', '')}".strip()
            if isinstance(fields, dict)
            else str(fields)
        )


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="rs-"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        start_postgres(folder, stack)
        ports = Ports(free_port_block())
        start_s3(folder, ports, stack)
        yield start_front(folder, ports.forward_redshift, ports.s3, stack)


def start_postgres(folder: Path, stack: contextlib.ExitStack) -> None:
    cluster = Cluster(folder / "pgdata", folder / "pg")
    cluster.prepare()
    stack.enter_context(running_postgres(cluster, {"fsync": "off"}))
    address = PostgresAddress(cluster.sockets, PORT)
    provide(address, Wishes(database=DATABASE, password=PASSWORD))


def start_s3(folder: Path, ports: Ports, stack: contextlib.ExitStack) -> None:
    flags = [f"-{name}={port}" for name, port in {"s3.port": ports.s3, **ports.seaweedfs}.items()]
    weed = Path(sys.executable).with_name("weed")
    environment = {**os.environ, **KEYS, "GOMEMLIMIT": "500MiB"}
    (folder / "s3").mkdir()
    with (folder / "s3.log").open("wb") as log:
        process = subprocess.Popen(
            [
                weed,
                "mini",
                f"-dir={folder / 's3'}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-admin.ui=false",
                "-webdav=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                *flags,
            ],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder / "s3",
        )
    stack.callback(end, process, signal.SIGKILL)
    client = s3_client(ports.s3)

    def answers() -> bool:
        client.create_bucket(Bucket=BUCKET)
        return True

    wait_until("SeaweedFS", answers, process)


def s3_client(port: int) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def start_front(folder: Path, port: int, s3_port: int, stack: contextlib.ExitStack) -> World:
    (folder / "front").mkdir(mode=0o700)
    certificate, key = make_certificate(folder)
    s3_url = f"http://127.0.0.1:{s3_port}"
    process = launch_front(
        folder,
        s3_url,
        [f"unix:{folder / 'front' / 'warehouse.sock'}", f"tcp:127.0.0.1:{port}"],
        certificate,
        key,
    )
    stack.callback(end, process)
    world = World(folder, port, s3_client(s3_port), process, s3_url, certificate, key)
    stack.callback(close_all, world.open_connections)
    return world


def launch_front(
    folder: Path, s3_url: str, addresses: list[str], certificate: Path, key: Path
) -> subprocess.Popen[bytes]:
    listens = [item for address in addresses for item in ("--listen", address)]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "redshift_stand_in",
            "serve",
            *listens,
            "--pg-socket-dir",
            folder / "pg",
            "--pg-port",
            str(PORT),
            "--s3-endpoint",
            s3_url,
            "--tls-cert",
            certificate,
            "--tls-key",
            key,
            "--log",
            folder / "front.log",
            "--log-level",
            "DEBUG",
        ],
        stdout=subprocess.PIPE,
        env={**os.environ, **KEYS, "AWS_REGION": "us-east-1"},
    )
    assert process.stdout is not None
    with process.stdout:
        first = process.stdout.readline()
    if first != b"ready\n":
        end(process)
        pytest.fail("the front has not started")
    return process


def make_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return certificate, key


def close_all(connections: Iterable[Any]) -> None:
    """Closes them, those too that a server has closed before."""
    for connection in connections:
        with contextlib.suppress(Exception):
            connection.close()


@pytest.fixture
def sql(world: World) -> Iterator[Sql]:
    """An autocommit session of the admin, with a schema ``t`` of its own."""
    session = Sql(world.connect())
    session("drop schema if exists t cascade")
    session("create schema t")
    yield session
    close_all(world.open_connections)
    world.open_connections.clear()


@pytest.fixture
def copy(world: World, sql: Sql) -> Copy:
    """Puts data into S3 and loads it into a table."""

    def load(table: str, data: bytes | str, options: str = "csv", key: str = "copy/data") -> str:
        return f"copy {table} from '{world.put(key, data)}' {ROLE} {options}"

    return load

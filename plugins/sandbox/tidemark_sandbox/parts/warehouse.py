"""The Redshift stand-in's front: what clients take for the warehouse."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import redshift_connector
from redshift_connector.core import Connection
from redshift_stand_in.postgres.cluster import PORT
from tidemark_core.redshift.driver_patches import TEXT_PROTOCOL

from tidemark_sandbox.errors import UP, SandboxError
from tidemark_sandbox.parts.base import Part, require_listener
from tidemark_sandbox.parts.postgres import cluster
from tidemark_sandbox.settings import accounts


class Warehouse(Part):
    """Redshift, as far as its clients can tell."""

    name = "warehouse"
    needs = ("postgres",)

    @property
    def address(self) -> str:
        return str(self.config.warehouse_socket)

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "redshift_stand_in",
            "serve",
            f"--listen=unix:{self.config.warehouse_socket}",
            f"--pg-socket-dir={self.config.postgres_sockets}",
            f"--pg-port={PORT}",
            f"--s3-endpoint={self.config.s3_endpoint}",
            f"--tls-cert={self.config.tls / 'server.pem'}",
            f"--tls-key={self.config.tls / 'server.key'}",
            f"--log={self.config.logs / 'warehouse-sql.log'}",
        ]

    def environment(self) -> Mapping[str, str]:
        keys = {
            "AWS_ACCESS_KEY_ID": accounts.S3_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": accounts.S3_SECRET_KEY,
            "AWS_REGION": accounts.REGION,
            "AWS_DEFAULT_REGION": accounts.REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1,localhost",
            "OPENBLAS_NUM_THREADS": "1",  # it multiplies no matrices
        }
        return {**super().environment(), **keys}

    def probe(self) -> str:
        text = str(self.query("SELECT version()")[0][0])
        # A real cluster ends in "Redshift 1.0.…"; the stand-in may say what it runs on.
        return text[text.index("Redshift") :] if "Redshift" in text else text.partition(" (")[0]

    def connect(self, user: str = accounts.WAREHOUSE_ADMIN) -> Connection:
        """A connection past the bastion, in autocommit: for the sandbox's own work.

        Raises:
            SandboxError: The server does not run.
        """
        try:
            for listener in (self.config.warehouse_socket, cluster(self.config).socket):
                require_listener(listener)
        except OSError as error:
            raise SandboxError(f"The warehouse does not run: {error}", hint=UP) from error
        connection = redshift_connector.connect(
            unix_sock=str(self.config.warehouse_socket),
            database=accounts.WAREHOUSE_DATABASE,
            user=user,
            password=accounts.WAREHOUSE_PASSWORDS[user],
            ssl=False,
            timeout=60,
            client_protocol_version=TEXT_PROTOCOL,
            # The driver asks a repeated statement as it was prepared: of tables as they were then.
            max_prepared_statements=0,
            # Without a name the driver reads the source of every frame of the stack for one.
            application_name="tidemark-sandbox",
        )
        connection.autocommit = True
        return connection

    def query(
        self,
        sql: str,
        arguments: Sequence[object] | None = None,
        *,
        user: str = accounts.WAREHOUSE_ADMIN,
    ) -> list[tuple[Any, ...]]:
        """Runs one statement and returns its rows."""
        return self.table(sql, arguments, user=user)[1]

    def table(
        self,
        sql: str,
        arguments: Sequence[object] | None = None,
        *,
        user: str = accounts.WAREHOUSE_ADMIN,
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Runs one statement and returns the names of its columns and its rows."""
        with closing(self.connect(user)) as connection:
            return ask(connection, sql, arguments)


def ask(
    connection: Connection, sql: str, arguments: Sequence[object] | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Runs one statement and returns the names of its columns and its rows."""
    cursor = connection.cursor()
    cursor.execute(sql, arguments)
    names = [_text(column[0]) for column in cursor.description or ()]
    return names, [tuple(row) for row in (cursor.fetchall() if names else ())]


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name

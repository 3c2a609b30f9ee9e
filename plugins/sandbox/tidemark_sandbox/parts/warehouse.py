"""The Redshift stand-in's front: what clients take for the warehouse."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import redshift_connector

from tidemark_sandbox import config as words
from tidemark_sandbox.errors import UP, SandboxError
from tidemark_sandbox.parts.base import Part
from tidemark_sandbox.parts.postgres import PORT


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
            "tidemark_sandbox.redshift",
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
            "AWS_ACCESS_KEY_ID": words.S3_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": words.S3_SECRET_KEY,
            "AWS_REGION": words.REGION,
            "AWS_DEFAULT_REGION": words.REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        return {**super().environment(), **keys}

    def probe(self) -> str:
        text = str(self.query("SELECT version()")[0][0])
        return text.partition(" on ")[0] + (
            f" ({text[text.index('Redshift') :]})" if "Redshift" in text else ""
        )

    def connect(self, user: str = words.WAREHOUSE_ADMIN) -> redshift_connector.Connection:
        """A connection past the bastion, in autocommit: for the sandbox's own work.

        Raises:
            SandboxError: The server does not run.
        """
        try:
            connection = redshift_connector.connect(
                unix_sock=str(self.config.warehouse_socket),
                database=words.WAREHOUSE_DATABASE,
                user=user,
                password=words.WAREHOUSE_PASSWORDS[user],
                ssl=False,
                timeout=60,
            )
        except (OSError, redshift_connector.InterfaceError) as error:
            raise SandboxError(f"The warehouse does not run: {error}", hint=UP) from error
        connection.autocommit = True
        return connection

    def query(
        self,
        sql: str,
        arguments: Sequence[object] | None = None,
        *,
        user: str = words.WAREHOUSE_ADMIN,
    ) -> list[tuple[Any, ...]]:
        """Runs one statement and returns its rows."""
        connection = self.connect(user)
        try:
            cursor = connection.cursor()
            cursor.execute(sql, arguments)
            rows = cursor.fetchall() if cursor.description else []
            return [tuple(row) for row in rows]
        finally:
            connection.close()

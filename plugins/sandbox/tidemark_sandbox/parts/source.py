"""What MariaDB and MySQL have in common as the source: a Unix socket, root by peer, the reader."""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql

from tidemark_sandbox.errors import UP, SandboxError
from tidemark_sandbox.parts.base import Part, require_listener
from tidemark_sandbox.settings import accounts
from tidemark_sandbox.settings.accounts import account_name


class Source(Part):
    """The source database, reached over a network only through the bastion.

    Attributes:
        title: What its makers call it.
    """

    title: str

    @property
    def address(self) -> str:
        return str(self.config.mysql_socket)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def exchange(self) -> Path:
        """The one folder that LOAD DATA may read files from."""
        return self.folder / "exchange"

    @property
    def defaults(self) -> Path:
        return self.folder / "my.cnf"

    @abstractmethod
    def settings(self) -> str:
        """The text of its option file."""

    def _words(self) -> dict[str, object]:
        """The values that the option files of both servers have in common."""
        return {
            "data": self.data,
            "exchange": self.exchange,
            "tmp": self.folder / "tmp",
            "socket": self.config.mysql_socket,
            "user": account_name(),
            "server_id": self.config.base,
            "tls": self.config.tls,
        }

    @abstractmethod
    def initialise(self, folder: Path) -> list[str]:
        """The command that makes a data folder."""

    @abstractmethod
    def set_password(self, user: str, password: str) -> str:
        """The statement that gives a user a password, by the server's usual login method."""

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.exchange.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "tmp").mkdir(mode=0o700, exist_ok=True)
        self.defaults.write_text(self.settings())
        if not self.data.exists():
            self._make_data()

    def _make_data(self) -> None:
        """Makes the data folder elsewhere and renames it, so that a half-made one is never used."""
        for left in self.folder.glob("data.new-*"):  # one may still be in use by its maker
            shutil.rmtree(left, ignore_errors=True)
        half = self.folder / f"data.new-{os.getpid()}"
        command = self.initialise(half)
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder
        )
        if result.returncode:
            raise SandboxError(
                f"{self.title} cannot make its data folder:\n"
                f"{result.stdout[-2000:]}{result.stderr[-2000:]}"
            )
        half.rename(self.data)

    def probe(self) -> str:
        return str(self.query("SELECT VERSION()")[0][0])

    def provision(self) -> None:
        reader = f"'{accounts.MYSQL_READER}'@'localhost'"
        for statement in (
            f"CREATE DATABASE IF NOT EXISTS `{accounts.MYSQL_DATABASE}`"
            " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            f"CREATE USER IF NOT EXISTS {reader}",
            self.set_password(reader, accounts.MYSQL_READER_PASSWORD),
            f"GRANT SELECT, SHOW VIEW ON `{accounts.MYSQL_DATABASE}`.* TO {reader}",
            # To read the binary log, and to ask where it ends.
            f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {reader}",
        ):
            self.query(statement)

    def connect(self, *, database: str | None = None) -> pymysql.connections.Connection[Any]:
        """A connection as root, past the bastion: for the sandbox's own work.

        Raises:
            SandboxError: The server does not run.
        """
        try:
            require_listener(self.config.mysql_socket)
        except OSError as error:
            raise SandboxError(f"{self.title} does not run: {error}", hint=UP) from error
        return pymysql.connect(
            unix_socket=str(self.config.mysql_socket),
            user=account_name(),
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
            ssl_disabled=True,  # a Unix socket
        )

    def query(
        self, sql: str, arguments: Sequence[object] | None = None, *, database: str | None = None
    ) -> list[tuple[Any, ...]]:
        """Runs one statement as root and returns its rows."""
        with (
            closing(self.connect(database=database)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, arguments)
            return list(cursor.fetchall())

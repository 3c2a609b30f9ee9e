"""MariaDB on a Unix socket: without the bastion there is no way to it over a network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql

from tidemark_sandbox import config as words
from tidemark_sandbox.config import account_name
from tidemark_sandbox.errors import UP, SandboxError
from tidemark_sandbox.packages import program
from tidemark_sandbox.parts.base import Part, require_listener

_INITIAL = Path(__file__).with_name("mariadb.cnf")


class MariaDb(Part):
    """The source database; root by socket, the reader by password."""

    name = "mariadb"

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

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.exchange.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "tmp").mkdir(mode=0o700, exist_ok=True)
        self.defaults.write_text(
            _INITIAL.read_text().format(
                data=self.data,
                exchange=self.exchange,
                tmp=self.folder / "tmp",
                socket=self.config.mysql_socket,
                user=account_name(),
            )
        )
        if not self.data.exists():
            self._initialise()

    def _initialise(self) -> None:
        """Makes the data folder beside its place, so that a half-made one is never used."""
        for left in self.folder.glob("data.new-*"):  # its maker may still be at work
            shutil.rmtree(left, ignore_errors=True)
        half = self.folder / f"data.new-{os.getpid()}"
        result = subprocess.run(
            [
                program("mariadb-install-db"),
                f"--defaults-file={self.defaults}",
                f"--datadir={half}",
                "--auth-root-authentication-method=socket",
                f"--auth-root-socket-user={account_name()}",
                "--skip-test-db",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        if result.returncode:
            raise SandboxError(
                f"mariadb-install-db failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}"
            )
        half.rename(self.data)

    def command(self) -> list[str]:
        return [program("mariadbd"), f"--defaults-file={self.defaults}"]

    def probe(self) -> str:
        return str(self.query("SELECT VERSION()")[0][0])

    def provision(self) -> None:
        reader = f"'{words.MYSQL_READER}'@'localhost'"
        for statement in (
            f"CREATE DATABASE IF NOT EXISTS `{words.MYSQL_DATABASE}`"
            " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            f"CREATE USER IF NOT EXISTS {reader}",
            f"ALTER USER {reader} IDENTIFIED VIA mysql_native_password"
            f" USING PASSWORD('{words.MYSQL_READER_PASSWORD}')",
            f"GRANT SELECT, SHOW VIEW ON `{words.MYSQL_DATABASE}`.* TO {reader}",
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
            raise SandboxError(f"MariaDB does not run: {error}", hint=UP) from error
        return pymysql.connect(
            unix_socket=str(self.config.mysql_socket),
            user=account_name(),
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
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

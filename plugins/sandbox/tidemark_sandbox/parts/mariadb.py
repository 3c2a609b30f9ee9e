"""MariaDB as the source, as Debian has it."""

from __future__ import annotations

from pathlib import Path

from tidemark_sandbox.debian.packages import program
from tidemark_sandbox.parts.source import Source
from tidemark_sandbox.settings.accounts import account_name

_INITIAL = Path(__file__).with_name("mariadb.cnf")


class MariaDb(Source):
    """MariaDB; root by socket, the reader by password."""

    name = "mariadb"
    title = "MariaDB"

    def settings(self) -> str:
        return _INITIAL.read_text().format(**self._words())

    def initialise(self, folder: Path) -> list[str]:
        return [
            program("mariadb-install-db"),
            f"--defaults-file={self.defaults}",
            f"--datadir={folder}",
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={account_name()}",
            "--skip-test-db",
        ]

    def set_password(self, user: str, password: str) -> str:
        return (
            f"ALTER USER {user} IDENTIFIED VIA mysql_native_password USING PASSWORD('{password}')"
        )

    def command(self) -> list[str]:
        return [program("mariadbd"), f"--defaults-file={self.defaults}"]

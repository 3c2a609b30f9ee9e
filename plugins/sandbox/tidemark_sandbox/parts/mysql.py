"""MySQL itself as the source, from Debian unstable, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from tidemark_sandbox.debian import unstable
from tidemark_sandbox.parts.source import Source
from tidemark_sandbox.settings.accounts import account_name

_INITIAL = Path(__file__).with_name("mysql.cnf")
#: Run by every start: whoever started the sandbox is root, by socket and without a password.
_ACCOUNTS = """\
ALTER USER IF EXISTS 'root'@'localhost' IDENTIFIED WITH auth_socket;
CREATE USER IF NOT EXISTS '{user}'@'localhost' IDENTIFIED WITH auth_socket;
GRANT ALL ON *.* TO '{user}'@'localhost' WITH GRANT OPTION;
"""


class MySql(Source):
    """MySQL; root by socket, the reader by caching_sha2_password."""

    name = "mysql"
    title = "MySQL"

    @property
    def _accounts(self) -> Path:
        return self.folder / "accounts.sql"

    def prepare(self) -> None:
        super().prepare()
        # MySQL takes the lock of a killed server for good until the kernel has reaped that one.
        Path(f"{self.address}.lock").unlink(missing_ok=True)

    def settings(self) -> str:
        self._accounts.write_text(_ACCOUNTS.format(user=account_name()))
        return _INITIAL.read_text().format(system=unstable.ensure(), **self._words())

    def initialise(self, folder: Path) -> list[str]:
        return [
            *unstable.program("mysqld"),
            f"--defaults-file={self.defaults}",
            f"--datadir={folder}",
            "--initialize-insecure",
        ]

    def set_password(self, user: str, password: str) -> str:
        return f"ALTER USER {user} IDENTIFIED WITH caching_sha2_password BY '{password}'"

    def command(self) -> list[str]:
        return [
            *unstable.program("mysqld"),
            f"--defaults-file={self.defaults}",
            f"--init-file={self._accounts}",
        ]

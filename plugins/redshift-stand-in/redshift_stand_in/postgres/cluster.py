"""The PostgreSQL 15 cluster behind a stand-in: its folders, its settings, its command line."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: The superuser that the cluster is made with; no client of the front may use it.
SUPERUSER = "rdsdb"
#: Debian's; another version may be on PATH.
PROGRAMS = Path("/usr/lib/postgresql/15/bin")
#: The account that PostgreSQL runs as when we are root: it refuses to run as root.
ACCOUNT = "postgres"
#: Only a part of the socket's name.
PORT = 5432

_INITDB_ARGUMENTS = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    # Strings compare by their bytes, as in Redshift; letters are known beyond ASCII.
    "--locale=C.UTF-8",
    "--lc-collate=C",
    "--auth=reject",
    "--no-sync",
)
# The front connects as the superuser without a password; drivers know md5.
_HBA = f"# The socket's folder is private.\nlocal all {SUPERUSER} trust\nlocal all all md5\n"
_SETTINGS = {
    "listen_addresses": "",
    "password_encryption": "md5",
    "max_connections": "100",
    # Ends a statement whose session is gone, even if the front's request to cancel it is lost.
    "client_connection_check_interval": "1s",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    # The views sort whole tables.
    "work_mem": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    # A killed server loses nothing, as what it has committed is with the system; a machine that
    # loses power may lose the whole folder.
    "fsync": "off",
    "jit": "off",
    "shared_preload_libraries": "plpgsql",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class ClusterError(Exception):
    """PostgreSQL is not available; the message says what to do."""


@dataclass(frozen=True)
class Cluster:
    """Where a cluster is.

    Attributes:
        folder: Of its data.
        sockets: Folder of its Unix socket; short, since a socket's path has 107 bytes at most.
    """

    folder: Path
    sockets: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The socket that PostgreSQL makes for itself."""
        return self.sockets / f".s.PGSQL.{PORT}"

    def prepare(self) -> None:
        """Makes what is missing: the folders, private to PostgreSQL's account, and the data.

        Raises:
            ClusterError: PostgreSQL 15 is not installed, or initdb failed.
        """
        for folder in (self.folder, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() == 0:
                owner = _account()
                os.chown(folder, owner.pw_uid, owner.pw_gid)
        if not self.data.exists():
            self._initialise()
        (self.data / "pg_hba.conf").write_text(_HBA)

    def _initialise(self) -> None:
        """Makes the data folder elsewhere and renames it, so that a half-made one is never used.

        Elsewhere is this process's own: an initdb whose launcher was killed may still be running.
        """
        for left in self.folder.glob("data.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        half = self.folder / f"data.new-{os.getpid()}"
        command = [*_as_account(), _program("initdb"), f"--pgdata={half}", *_INITDB_ARGUMENTS]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder)
        if done.returncode:
            raise ClusterError(f"initdb failed:\n{done.stderr[-2000:]}")
        half.rename(self.data)

    def command(
        self, settings: Mapping[str, str] | None = None, *, leashed: bool = False
    ) -> list[str]:
        """The command that starts PostgreSQL; SIGINT ends it without waiting for clients.

        Args:
            settings: Added to ours or replacing them, by name.
            leashed: PostgreSQL ends with the thread that starts it, however that ends.

        Raises:
            ClusterError: PostgreSQL 15 is not installed.
        """
        wanted = {
            **_SETTINGS,
            "unix_socket_directories": f'"{self.sockets}"',
            "port": str(PORT),
            **(settings or {}),
        }
        options = [f"--{name}={value}" for name, value in wanted.items()]
        prefix = _as_account(*(("--pdeathsig", "INT") if leashed else ()))
        return [*prefix, _program("postgres"), "-D", str(self.data), *options]


def _program(name: str) -> str:
    path = PROGRAMS / name
    if not path.exists():
        raise ClusterError(
            "PostgreSQL 15 is not installed. Next: sudo apt-get install "
            "--no-install-recommends postgresql-15"
        )
    return str(path)


def _as_account(*flags: str) -> list[str]:
    """The prefix that runs a program as PostgreSQL's account; empty if none is needed."""
    if os.geteuid() == 0:
        owner = _account()
        flags = (f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--init-groups", *flags)
    return ["setpriv", *flags] if flags else []


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise ClusterError(
            f"PostgreSQL does not run as root, and there is no account {ACCOUNT}. Next: "
            "apt-get install --reinstall postgresql-common, or run this as another user"
        ) from error

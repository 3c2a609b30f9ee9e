"""PostgreSQL 15 on a Unix socket: the engine behind the Redshift stand-in, for its front alone."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from redshift_stand_in.catalogue import POSTGRES_SETTINGS, SUPERUSER, install

from tidemark_sandbox import config as words
from tidemark_sandbox.config import POSTGRES_ACCOUNT, Config
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.packages import program
from tidemark_sandbox.parts.base import Part
from tidemark_sandbox.processes import ended

#: Only a part of the socket's name.
PORT = 5432
# The front connects as the superuser without a password.
_HBA = f"# The socket's folder is private.\nlocal all {SUPERUSER} trust\nlocal all all md5\n"
_SETTINGS = {
    "listen_addresses": "",
    "password_encryption": "md5",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    # A killed server loses nothing; a machine that loses power may lose the last second.
    "synchronous_commit": "off",
    "logging_collector": "off",
    "log_timezone": "UTC",
}


def postgres_socket(config: Config) -> Path:
    """The socket that PostgreSQL makes for itself in its folder."""
    return config.postgres_sockets / f".s.PGSQL.{PORT}"


class Postgres(Part):
    """The warehouse's storage."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": does not wait for clients (pg_ctl's default)

    @property
    def folder(self) -> Path:
        return self.config.postgres

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def address(self) -> str:
        return str(postgres_socket(self.config))

    def prepare(self) -> None:
        for folder in (self.folder, self.config.postgres_sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() == 0:
                account = _account()
                os.chown(folder, account.pw_uid, account.pw_gid)
        if not self.data.exists():
            self._initialise()
        self._drop_stale_locks()
        (self.data / "pg_hba.conf").write_text(_HBA)

    def _initialise(self) -> None:
        """Makes the data folder beside its place, so that a half-made one is never used.

        In a folder of this process's own: an initdb whose launcher was killed may still be at work.
        """
        for left in self.folder.glob("data.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        half = self.folder / f"data.new-{os.getpid()}"
        command = [
            *self._as_account(),
            program("initdb"),
            f"--pgdata={half}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",  # sorts by bytes, as Redshift does, and knows letters
            "--no-sync",
        ]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder
        )
        if result.returncode:
            raise SandboxError(f"initdb failed:\n{result.stderr[-2000:]}")
        half.rename(self.data)

    def _drop_stale_locks(self) -> None:
        """Removes the locks of a server that ended.

        PostgreSQL does so itself, except for a process that was killed and that no parent has
        taken leave of, which in a container may stay so for ever: to it that one still lives.
        """
        for lock in (
            self.data / "postmaster.pid",
            self.config.postgres_sockets / f".s.PGSQL.{PORT}.lock",
        ):
            try:
                pid = int(lock.read_text().split()[0])
            except (FileNotFoundError, ValueError, IndexError):
                continue
            if ended(pid):
                lock.unlink()

    def command(self) -> list[str]:
        settings = {
            **POSTGRES_SETTINGS,
            **_SETTINGS,
            "unix_socket_directories": f'"{self.config.postgres_sockets}"',
            "port": str(PORT),
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [*self._as_account(), program("postgres"), "-D", str(self.data), *options]

    def probe(self) -> str:
        return "PostgreSQL " + self.query("SHOW server_version").partition(" ")[0]

    def provision(self) -> None:
        for role, password in words.WAREHOUSE_PASSWORDS.items():
            rights = "CREATEDB CREATEROLE" if role == words.WAREHOUSE_ADMIN else ""
            self.query(
                f"SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS"
                f" (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec\n"
                f"ALTER ROLE {role} LOGIN {rights} PASSWORD '{password}'"
            )
        database, admin = words.WAREHOUSE_DATABASE, words.WAREHOUSE_ADMIN
        # The admin of a Redshift cluster may do what any of its users may.
        others = ", ".join(role for role in words.WAREHOUSE_PASSWORDS if role != admin)
        self.query(f"GRANT {others} TO {admin} WITH ADMIN OPTION")
        self.query(
            f"SELECT 'CREATE DATABASE {database} OWNER {admin}' WHERE NOT EXISTS"
            f" (SELECT FROM pg_database WHERE datname = '{database}') \\gexec"
        )
        # In Redshift everybody may create in public until it is revoked:
        # https://docs.aws.amazon.com/redshift/latest/dg/r_Schemas_and_tables.html
        self.query(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public'"
            f" AND nspowner <> '{admin}'::regrole) THEN"
            f" ALTER SCHEMA public OWNER TO {admin};"
            " GRANT ALL ON SCHEMA public TO PUBLIC; END IF; END $$",
            database=database,
        )
        install(self.config.postgres_sockets, PORT, database)

    def query(self, sql: str, *, database: str = "postgres") -> str:
        """Runs SQL as superuser, past the front; returns psql's bare output.

        Raises:
            SandboxError: PostgreSQL refused it.
        """
        result = subprocess.run(
            [
                program("psql"),
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--set=ON_ERROR_STOP=1",
                f"--host={self.config.postgres_sockets}",
                f"--port={PORT}",
                f"--username={SUPERUSER}",
                f"--dbname={database}",
            ],
            input=sql if sql.rstrip().endswith("\\gexec") else f"{sql};\n",
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if result.returncode:
            raise SandboxError(result.stderr.strip())
        return result.stdout.strip()

    def _as_account(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        account = _account()
        return [
            program("setpriv"),
            f"--reuid={account.pw_uid}",
            f"--regid={account.pw_gid}",
            "--init-groups",
        ]


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(POSTGRES_ACCOUNT)
    except KeyError as error:
        raise SandboxError(
            f"There is no account {POSTGRES_ACCOUNT}, and PostgreSQL does not run as root",
            hint="apt-get install --reinstall postgresql-common, or run the sandbox as a user",
        ) from error

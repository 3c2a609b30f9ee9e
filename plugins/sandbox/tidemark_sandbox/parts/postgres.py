"""PostgreSQL 15 on a Unix socket: the engine behind the Redshift stand-in, for its front alone."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from pathlib import Path

from redshift_stand_in.catalogue import install
from redshift_stand_in.postgres.cluster import PORT, SUPERUSER, Cluster, ClusterError

from tidemark_sandbox.debian.packages import program
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.processes import ended
from tidemark_sandbox.parts.base import Part
from tidemark_sandbox.settings import accounts
from tidemark_sandbox.settings.config import Config


def cluster(config: Config) -> Cluster:
    """The warehouse's PostgreSQL."""
    return Cluster(config.postgres, config.postgres_sockets)


class Postgres(Part):
    """The warehouse's storage."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": does not wait for clients (pg_ctl's default)

    @property
    def folder(self) -> Path:
        return self.config.postgres

    @property
    def data(self) -> Path:
        return cluster(self.config).data

    @property
    def address(self) -> str:
        return str(cluster(self.config).socket)

    def prepare(self) -> None:
        try:
            cluster(self.config).prepare()
        except ClusterError as error:
            raise SandboxError(str(error)) from error
        self._drop_stale_locks()

    def _drop_stale_locks(self) -> None:
        """Removes the locks of a server that ended.

        PostgreSQL does so itself, except for a killed process that no parent has reaped, which in
        a container may stay so for ever: PostgreSQL takes it for a living one.
        """
        for lock in (
            self.data / "postmaster.pid",
            Path(f"{self.address}.lock"),
        ):
            try:
                pid = int(lock.read_text().split()[0])
            except (FileNotFoundError, ValueError, IndexError):
                continue
            if ended(pid):
                lock.unlink()

    def command(self) -> list[str]:
        return cluster(self.config).command()

    def probe(self) -> str:
        return "PostgreSQL " + self.query("SHOW server_version").partition(" ")[0]

    def provision(self) -> None:
        database, admin = accounts.WAREHOUSE_DATABASE, accounts.WAREHOUSE_ADMIN
        # The admin of a Redshift cluster may do what any of its users may.
        others = ", ".join(role for role in accounts.WAREHOUSE_PASSWORDS if role != admin)
        self.query(
            "\n".join(_role(*each) for each in accounts.WAREHOUSE_PASSWORDS.items())
            + f"\nGRANT {others} TO {admin} WITH ADMIN OPTION;\n"
            f"SELECT 'CREATE DATABASE {database} OWNER {admin}' WHERE NOT EXISTS"
            f" (SELECT FROM pg_database WHERE datname = '{database}') \\gexec"
        )
        # In Redshift every user may create in public until that is revoked:
        # https://docs.aws.amazon.com/redshift/latest/dg/r_Schemas_and_tables.html
        self.query(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public'"
            f" AND nspowner <> '{admin}'::regrole) THEN"
            f" ALTER SCHEMA public OWNER TO {admin};"
            " GRANT ALL ON SCHEMA public TO PUBLIC; END IF; END $$",
            database=database,
        )
        install(self.config.postgres_sockets, PORT, database)

    def discard(self) -> None:
        # Ends at once too, and leaves no shared memory behind, as SIGKILL would.
        replace(self.daemon, stop_signal=signal.SIGQUIT).stop()
        self.cleanup()

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


def _role(name: str, password: str) -> str:
    """What makes a user of the warehouse, or sets its password again."""
    rights = "CREATEDB CREATEROLE" if name == accounts.WAREHOUSE_ADMIN else ""
    return (
        f"SELECT 'CREATE ROLE {name}' WHERE NOT EXISTS"
        f" (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec\n"
        f"ALTER ROLE {name} LOGIN {rights} PASSWORD '{password}';"
    )

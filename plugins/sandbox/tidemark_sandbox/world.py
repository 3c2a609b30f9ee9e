"""The sandbox as a whole: the Python side of every command."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from tidemark_sandbox import data_folder
from tidemark_sandbox.certificates import ensure_certificates
from tidemark_sandbox.debian import packages, unstable
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import free_port_block
from tidemark_sandbox.parts.base import Part
from tidemark_sandbox.parts.bastion import Bastion
from tidemark_sandbox.parts.mariadb import MariaDb
from tidemark_sandbox.parts.mysql import MySql
from tidemark_sandbox.parts.postgres import Postgres
from tidemark_sandbox.parts.s3 import S3
from tidemark_sandbox.parts.source import Source
from tidemark_sandbox.parts.status import PartStatus, ask
from tidemark_sandbox.parts.warehouse import Warehouse
from tidemark_sandbox.settings import accounts
from tidemark_sandbox.settings.config import (
    DEFAULT_SERVER,
    Config,
    Server,
    remembered,
    resolve,
)
from tidemark_sandbox.settings.variables import environment
from tidemark_sandbox.warehouse_sql import run_scripts

PartName = Literal["mariadb", "mysql", "bastion", "s3", "postgres", "warehouse"]
Progress = Callable[[str], None]


def source(config: Config) -> Source:
    """The source that a sandbox is to have."""
    return MySql(config) if config.server == "mysql" else MariaDb(config)


def _silent(*_: object) -> None:
    """Reports nothing."""


class Sandbox:
    """MariaDB or MySQL, a bastion, S3 and a Redshift stand-in on 127.0.0.1.

    Args:
        dir: Data folder; else SANDBOX_DIR, else ``.sandbox`` in the project or here.
        port: First port of its block of a hundred; else SANDBOX_PORT, else what the folder was
            started with, else 18200.
        server: The source; else SANDBOX_SERVER, else what the folder was started with, else
            MariaDB.
    """

    def __init__(
        self,
        dir: Path | str | None = None,
        port: int | None = None,
        server: Server | None = None,
    ) -> None:
        self.config = resolve(Path(dir) if dir else None, port, server)
        self._build()

    def _build(self) -> None:
        self.source = source(self.config)
        self.s3 = S3(self.config)
        self.postgres = Postgres(self.config)
        self.redshift = Warehouse(self.config)
        self.bastion = Bastion(self.config)
        self.parts: dict[str, Part] = {
            part.name: part
            for part in (self.source, self.bastion, self.s3, self.postgres, self.redshift)
        }

    free_port_block = staticmethod(free_port_block)

    # ------------------------------------------------------------------ life
    def up(self, progress: Progress = _silent) -> None:
        """Starts what does not run or is not healthy, and makes what is missing.

        Args:
            progress: Called with each step.

        Raises:
            MissingPackagesError: A Debian package is not installed.
            PortTakenError: Another process has a port of the block.
            SandboxError: A part does not start, or a SQL file does not run.
        """
        packages.require()
        data_folder.claim(self.config)
        with data_folder.lock(self.config):
            self._leave_old_self()
            data_folder.make(self.config)
            ensure_certificates(self.config.tls)
            if self.config.server == "mysql" and not unstable.folder().exists():
                progress("MySQL is installed from Debian unstable: takes a minute, once")
            self._start_parts(progress)
            count = self._run_sql()
            if count:
                progress(f"warehouse: {count} statements of {self.config.sql}")

    def down(self) -> None:
        """Ends every process; the data stays."""
        if not self.config.marker.exists():
            return
        with data_folder.lock(self.config):
            self._end_parts(lambda part: part.stop())

    def reset(self) -> None:
        """Ends every process and removes the data.

        Raises:
            SandboxError: The folder holds something other than a sandbox.
        """
        if not self.config.dir.exists():
            return
        data_folder.claim(self.config)
        with data_folder.lock(self.config):
            self._end_parts(lambda part: part.discard())
            data_folder.remove(self.config)

    def save(self, folder: Path) -> None:
        """Ends every process and copies the data into a new folder, where `load` finds it."""
        self.down()
        for name, part in self.parts.items():
            if part.data is not None:
                (folder / name).mkdir(parents=True)
                data_folder.copy(part.data, folder / name / "data")

    def load(self, folder: Path) -> None:
        """Takes the data that a sandbox with the same source has saved, before `up` makes its own.

        Raises:
            SandboxError: There is data already.
        """
        data_folder.claim(self.config)
        with data_folder.lock(self.config):
            data_folder.make(self.config)
            for name, part in self.parts.items():
                if part.data is None:
                    continue
                if part.data.exists():
                    raise SandboxError(f"{part.data} holds data already", hint="reset, then load")
                part.data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                data_folder.copy(folder / name / "data", part.data)

    def kill(self, part: PartName) -> None:
        """Ends a part's server with SIGKILL, as the kernel does when memory is short."""
        process = self.parts[part].daemon.find()
        if process:
            os.kill(process.pid, signal.SIGKILL)
            self.parts[part].daemon.wait_gone(process)

    def status(self) -> list[PartStatus]:
        """Asks each part, all at once."""
        with ThreadPoolExecutor(len(self.parts)) as pool:
            return list(pool.map(ask, self.parts.values()))

    # ------------------------------------------------------------------ use
    def env(self) -> dict[str, str]:
        """The variables that point the project at this sandbox."""
        return environment(self.config)

    def mysql(
        self,
        sql: str,
        arguments: Sequence[object] | None = None,
        *,
        database: str | None = accounts.MYSQL_DATABASE,
    ) -> list[tuple[Any, ...]]:
        """Runs one statement in the source as root, past the bastion, and returns its rows."""
        return self.source.query(sql, arguments, database=database)

    def warehouse(
        self,
        sql: str,
        arguments: Sequence[object] | None = None,
        *,
        user: str = accounts.WAREHOUSE_ADMIN,
    ) -> list[tuple[Any, ...]]:
        """Runs one statement in the warehouse, past the bastion, and returns its rows."""
        return self.redshift.query(sql, arguments, user=user)

    def seed(
        self,
        rows: int,
        seed: int = 1,
        *,
        now: datetime | None = None,
        null_keys: bool = False,
        progress: Callable[[str, int], None] | None = None,
    ) -> dict[str, int]:
        """Replaces the six settlement tables; see `tidemark_sandbox.seed.load.seed`."""
        from tidemark_sandbox.seed.load import seed as fill

        return fill(
            self.source, rows, seed, now=now, null_keys=null_keys, progress=progress or _silent
        )

    def change(
        self, rows: int = 100, seed: int | None = None, *, late_minutes: int = 2
    ) -> dict[str, dict[str, int]]:
        """Does what a day does to MySQL; see `tidemark_sandbox.seed.change.change`."""
        from tidemark_sandbox.seed.change import change

        return change(self.source, rows, seed, late_minutes=late_minutes)

    # ------------------------------------------------------------------ steps
    def _leave_old_self(self) -> None:
        """Ends what runs on other ports, and the other source, whose data is kept."""
        known = remembered(self.config.dir)
        new = self.config
        base, server = known.get("port"), known.get("server", DEFAULT_SERVER)
        if known and (base, server) != (new.base, new.server):
            self.config = resolve(new.dir, cast("int", base), cast("str", server))
            self._build()
            self._end_parts(lambda part: part.stop())
            self.config = new
            self._build()

    def _start_parts(self, progress: Progress) -> None:
        started: dict[str, Future[None]] = {}

        def start(part: Part) -> None:
            for need in part.needs:
                started[need].result()
            part.start()
            progress(f"{part.name} runs: {part.address}")

        with ThreadPoolExecutor(len(self.parts)) as pool:
            for part in self.parts.values():  # each after those that it needs
                started[part.name] = pool.submit(start, part)
        for future in started.values():
            future.result()

    def _end_parts(self, end: Callable[[Part], None]) -> None:
        with ThreadPoolExecutor(len(self.parts)) as pool:
            list(pool.map(end, reversed(self.parts.values())))

    def _run_sql(self) -> int:
        if not self.config.sql:
            return 0
        connection = self.redshift.connect()
        try:
            return run_scripts(
                self.config.sql,
                lambda statement: connection.cursor().execute(statement),
                {accounts.COPY_ROLE_WORD: accounts.IAM_ROLE},
            )
        finally:
            connection.close()

"""The tap on a real server behind a real sshd: a database of the tests' own in the sandbox.

The server is MariaDB, or MySQL with ``SANDBOX_SERVER=mysql`` (``make test-mysql``).
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tap_mysql.reading.range_reader import Mode
from tap_mysql.settings import SETTINGS
from tap_mysql.singer.tap import TapMySQL
from tap_mysql.source.settings import MySQLSettings
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox
from tidemark_singer.files.batch_file import BatchFile

DATABASE = "tap_test"
#: A table of the numbers 1 to 60,000, in a database that the tap does not see.
NUMBERS = "tap_test_numbers.numbers"


class Collector:
    """A message writer that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def write_message(self, message: Any) -> None:
        self.messages.append(json.loads(json.dumps(message.to_dict(), default=str)))


@dataclass
class Result:
    """What a run wrote.

    Attributes:
        messages: Singer messages, in order, but for the STATE that a run begins with.
        error: The error that it ended with.
    """

    messages: list[dict[str, Any]] = field(default_factory=list)
    error: BaseException | None = None

    def of(self, kind: str, table: str | None = None) -> list[dict[str, Any]]:
        return [
            m
            for m in self.messages
            if m["type"] == kind and (table is None or m["stream"] == f"{DATABASE}-{table}")
        ]

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.of("STATE")[-1]["value"]
        return found

    def bookmark(self, table: str) -> dict[str, Any]:
        found: dict[str, Any] = self.state["bookmarks"][f"{DATABASE}-{table}"]
        return found

    def files(self, table: str | None = None) -> list[BatchFile]:
        return [BatchFile.from_url(url) for m in self.of("BATCH", table) for url in m["manifest"]]

    def table(self, name: str) -> pa.Table:
        """All rows of a table's files, with the files' own schema."""
        return pa.concat_tables([pq.read_table(file.path) for file in self.files(name)])

    def rows(self, name: str) -> list[dict[str, Any]]:
        return self.table(name).to_pylist() if self.files(name) else []

    def ids(self, name: str) -> list[Any]:
        return sorted(row["id"] for row in self.rows(name))


@dataclass
class Source:
    """The tests' database, and runs of the tap over it.

    Attributes:
        sandbox: Where it lives.
        folder: For the files that runs write.
        address: Host and port of a tunnel that all tests share, so that not each run logs in.
    """

    sandbox: Sandbox
    folder: Path
    address: tuple[str, int]

    def sql(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.sandbox.mysql(statement, arguments or None, database=DATABASE)

    def sql_with(self, setting: str, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement in a session with another setting (``sql_mode = ''``)."""
        with (
            closing(self.sandbox.source.connect(database=DATABASE)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SET SESSION {setting}")
            cursor.execute(statement)
            return list(cursor.fetchall())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Callable[..., None]]:
        """Runs statements, with their arguments, in one transaction."""
        with (
            closing(self.sandbox.source.connect(database=DATABASE)) as connection,
            connection.cursor() as cursor,
        ):
            connection.begin()
            yield lambda statement, *arguments: cursor.execute(statement, arguments)
            connection.commit()

    def numbers(self, last: int, first: int = 1) -> str:
        """What gives a column ``seq`` of numbers, after SELECT."""
        return f"FROM {NUMBERS} WHERE seq BETWEEN {first} AND {last}"

    @property
    def is_mysql(self) -> bool:
        """Whether the server is MySQL itself."""
        return self.sandbox.config.server == "mysql"

    def make(self, table: str, columns: str, *rows: str, engine: str = "InnoDB") -> None:
        """Creates a table again and fills it."""
        name = table.replace("`", "``")
        self.sql(f"DROP TABLE IF EXISTS `{name}`")
        self.sql(f"CREATE TABLE `{name}` ({columns}) ENGINE = {engine}")
        for row in rows:
            self.sql(f"INSERT INTO `{name}` VALUES {row}")

    def config(self, *, bastion: bool = False, **settings: Any) -> dict[str, Any]:
        """A config, by default past the bastion by the tests' own tunnel."""
        env = self.sandbox.env()
        if not bastion:
            host, port = self.address
            env = {name: value for name, value in env.items() if not name.startswith("SSH_")}
            env |= {"DB_HOST": host, "DB_PORT": str(port)}
        known = {setting.name: setting for setting in SETTINGS}
        config = {
            name: setting.convert(env[setting.env])
            for name, setting in known.items()
            if env.get(setting.env)
        }
        return config | {"db_database": DATABASE, "backup_temp_dir": str(self.folder)} | settings

    def catalog(self, *tables: str, **metadata: Any) -> dict[str, Any]:
        """Selects tables; ``key=…`` names their replication key, ``columns=…`` and
        ``leave_out=…`` what is known of their columns.
        """
        key = metadata.pop("key", None)
        chosen = dict.fromkeys(metadata.pop("columns", ()), True)
        chosen |= dict.fromkeys(metadata.pop("leave_out", ()), False)
        method = (
            {"replication-method": "INCREMENTAL", "replication-key": key}
            if key
            else {"replication-method": "FULL_TABLE"}
        )
        root = {"selected": True} | method | metadata
        columns = [
            {"breadcrumb": ["properties", name], "metadata": {"selected": selected}}
            for name, selected in chosen.items()
        ]
        return {
            "streams": [
                {
                    "tap_stream_id": f"{DATABASE}-{table}",
                    "schema": {"properties": {}},
                    "metadata": [{"breadcrumb": [], "metadata": root}, *columns],
                }
                for table in tables
            ]
        }

    def run(
        self, catalog: dict[str, Any], state: dict[str, Any] | None = None, **settings: Any
    ) -> Result:
        """Runs the tap in this process; errors are kept, not raised."""
        collector, result = Collector(), Result()
        try:
            tap = TapMySQL(
                config=self.config(**settings),
                catalog=catalog,
                state=state,
                message_writer=collector,
            )
            tap.run()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            result.error = error
        result.messages = collector.messages
        if result.messages:
            opening = result.messages.pop(0)
            assert opening["type"] == "STATE"
            given = (state or {}).get("bookmarks", {})
            assert opening["value"]["bookmarks"].items() >= given.items()
        return result

    def read(
        self,
        table: str,
        key: str | None = None,
        state: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Result:
        """Runs the tap over one table; an error is raised."""
        result = self.run(self.catalog(table, key=key), state, **settings)
        if result.error is not None:
            raise result.error
        return result


class Relay:
    """A way to the server, see `relay.py`; a process of its own.

    Attributes:
        host: Where it listens.
        port: Its port.
    """

    def __init__(self, target: tuple[str, int], seen: Path, arguments: Sequence[str]) -> None:
        program = Path(__file__).with_name("relay.py")
        words = [sys.executable, str(program), *map(str, target), str(seen), *arguments]
        self._seen = seen
        with contextlib.ExitStack() as undo:
            self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            undo.callback(self.close)
            assert self._process.stdout is not None
            self.host, port = self._process.stdout.readline().split()
            self.port = int(port)
            undo.pop_all()

    @property
    def seen(self) -> bytes:
        """What the server has sent."""
        return self._seen.read_bytes()

    @property
    def way(self) -> dict[str, Any]:
        """The settings that lead over it."""
        return {"db_host": self.host, "db_port": self.port}

    def fail_over(self) -> None:
        """Cuts all connections, and leads whoever connects from now on to the other server."""
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGUSR1)
        self._process.stdout.readline()

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()


@pytest.fixture
def relay(source: Source, tmp_path: Path) -> Iterator[Callable[..., Relay]]:
    """Makes relays to the server, or to the socket of another one, with options of `relay.py`."""
    with contextlib.ExitStack() as stack:

        def make(*arguments: str, socket: str | None = None) -> Relay:
            target = source.address if socket is None else (socket, 0)
            made = Relay(target, tmp_path / f"seen-{uuid.uuid4().hex}", arguments)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture(scope="session")
def _database(sandbox: Sandbox) -> Iterator[tuple[Sandbox, tuple[str, int]]]:
    user = sandbox.env()["DB_USER"]
    sandbox.mysql(f"DROP DATABASE IF EXISTS {DATABASE}", database=None)
    sandbox.mysql(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4", database=None)
    sandbox.mysql(f"GRANT SELECT, SHOW VIEW ON {DATABASE}.* TO '{user}'@'localhost'", database=None)
    database, table = NUMBERS.split(".")
    sandbox.mysql(f"CREATE DATABASE IF NOT EXISTS {database}", database=None)
    sandbox.mysql(f"CREATE TABLE IF NOT EXISTS {table} (seq INT PRIMARY KEY)", database=database)
    numbers = ", ".join(f"({number})" for number in range(1, 60_001))
    sandbox.mysql(f"INSERT IGNORE INTO {table} VALUES {numbers}", database=database)
    settings = read(MySQLSettings, {}, sandbox.env())
    with open_endpoint(settings.bastion, settings.db_host, 0, local_port=0) as endpoint:
        yield sandbox, (endpoint.host, endpoint.port)


@pytest.fixture
def source(_database: tuple[Sandbox, tuple[str, int]], tmp_path: Path) -> Source:
    """The tests' database."""
    sandbox, address = _database
    return Source(sandbox, tmp_path / "files", address)


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has a range asked for so many rows at a time, as after a killed query."""
    return lambda rows: monkeypatch.setattr(Mode, "limit", lambda *_: rows)

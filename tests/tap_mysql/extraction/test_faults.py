"""What goes wrong in the middle of a read: it goes on, or stops and says why."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pymysql
import pytest
from readhooks import ROWS, after_files, connections, watch_queries
from tap_mysql.singer.tap import TapMySQL
from tap_mysql.source.arrow_query import Fetch, FetchError, Shape
from tap_mysql.source.error_codes import Cure
from tap_mysql.source.session.driver import open_connection
from tidemark_core.errors import SourceError
from tidemark_core.host.process_identity import Holder
from tidemark_core.runs.report import LegReport

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Relay, Source


HEAVY_ROWS = 12_000
MakeRelay = Callable[..., "Relay"]


@pytest.fixture
def heavy(source: Source, monkeypatch: pytest.MonkeyPatch) -> Source:
    """More bytes than buffers hold, so that a query is still under way when a test looks."""
    monkeypatch.setattr("tap_mysql.reading.range_reader._BATCH_ROWS", 20)
    ((there,),) = source.sql(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_name = 'heavy'"
    )
    if not there:
        source.make("heavy", "id INT PRIMARY KEY, v TEXT, update_at DATETIME, KEY (update_at)")
        source.sql(
            "INSERT INTO heavy SELECT seq, REPEAT('x', 4000), '2024-01-01' + INTERVAL seq SECOND "
            f"{source.numbers(HEAVY_ROWS)}"
        )
        source.sql("ANALYZE TABLE heavy")  # pages go by the server's estimate
    return source


def kill_all(source: Source, how: str = "KILL") -> int:
    """Ends what the tap asks at this moment; gives the number of connections."""
    ended = 0
    for number in connections(source):
        with contextlib.suppress(pymysql.err.OperationalError):  # it has just ended by itself
            source.sql(f"{how} {number}")
            ended += 1
    return ended


def tunnels() -> set[int]:
    """The process ids of the tunnels that this process has open."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "ExitOnForwardFailure"],
        capture_output=True,
        text=True,
        check=False,
    )
    return set(map(int, found.stdout.split()))


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return watch_queries(monkeypatch)


@pytest.mark.fault(28)
@pytest.mark.fault(31)
@pytest.mark.parametrize("strategy", ["sequential", "chunked"])
def test_a_lost_connection_goes_on_behind_the_last_file(
    heavy: Source,
    strategy: str,
    relay: MakeRelay,
    queries: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = relay("--cut-after", "8000000", "--cuts", "1")
    result = heavy.read(
        "heavy", "update_at", backup_batch_size=500, backup_strategy=strategy, **way.way
    )
    ranges = 2 if strategy == "chunked" else 1  # of 10,000 rows at least
    assert len(queries) == ranges + 1
    assert len(result.files("heavy")) >= HEAVY_ROWS / 500
    assert result.ids("heavy") == list(range(1, HEAVY_ROWS + 1))
    assert list(heavy.folder.rglob("*.part")) == []


@pytest.mark.fault(28)
def test_a_tunnel_that_dies_is_opened_again_and_the_read_goes_on(
    heavy: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    killed: list[int] = []
    of_the_tests = tunnels()

    def cut() -> None:
        for pid in tunnels() - of_the_tests:
            killed.append(pid)
            os.killpg(pid, signal.SIGTERM)

    after_files(2, cut, monkeypatch)
    result = heavy.run(heavy.catalog("heavy", key="update_at"), bastion=True, backup_batch_size=500)
    assert killed
    assert result.error is None
    assert "was interrupted" in caplog.text
    assert "Could not connect" not in caplog.text, "for that the driver tries for half a minute"
    assert result.ids("heavy") == list(range(1, HEAVY_ROWS + 1))


@pytest.mark.fault(33)
def test_a_killed_query_is_asked_in_smaller_pieces(
    heavy: Source,
    relay: MakeRelay,
    queries: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    go_on = tmp_path / "go on"
    way = relay("--freeze-after", "8000000", "--freezes", "1", "--until", str(go_on))
    killed: list[int] = []

    def kill() -> None:
        while len(way.seen) < 8_000_000:
            time.sleep(0.02)
        killed.append(kill_all(heavy, "KILL QUERY"))
        go_on.touch()

    killer = threading.Thread(target=kill)
    killer.start()
    result = heavy.read("heavy", "update_at", backup_batch_size=1000, **way.way)
    killer.join()
    assert killed == [1]
    assert result.ids("heavy") == list(range(1, HEAVY_ROWS + 1))
    assert not queries[0].endswith(" LIMIT 1000")
    assert queries[-1].endswith(" LIMIT 1000")


@pytest.mark.fault(31)
def test_tries_are_bounded(
    heavy: Source, relay: MakeRelay, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemark_core.retry._FIRST", 0.01)
    way = relay("--cut-after", "2000000", "--cuts", "99")
    result = heavy.run(
        heavy.catalog("heavy", key="update_at"),
        backup_retry_attempts=3,
        backup_batch_size=HEAVY_ROWS,
        **way.way,
    )
    assert isinstance(result.error, SourceError)
    assert len(queries) == 3
    assert "xxx" not in str(result.error)


@pytest.mark.fault(35)
def test_too_many_connections_are_waited_out(wide: Source) -> None:
    user = wide.sandbox.env()["DB_USER"]
    wide.sql(f"ALTER USER '{user}'@'localhost' WITH MAX_USER_CONNECTIONS 1")
    try:
        result = wide.run(wide.catalog("wide", key="update_at"), backup_strategy="chunked")
        free = threading.Timer(
            1.0,
            wide.sql,
            (f"ALTER USER '{user}'@'localhost' WITH MAX_USER_CONNECTIONS 0",),
        )
        free.start()
        again = wide.run(
            wide.catalog("wide", key="update_at"),
            result.state if result.of("STATE") else None,
            backup_strategy="chunked",
        )
        free.join()
    finally:
        wide.sql(f"ALTER USER '{user}'@'localhost' WITH MAX_USER_CONNECTIONS 0")
    assert again.error is None
    assert sorted(result.ids("wide") + again.ids("wide")) == list(range(1, ROWS + 1))


def connected_to(port: int) -> int:
    """Our connections to a port of this machine."""
    own = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            own.add(str(link.readlink()))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(row[2].partition(":")[2], 16) == port and f"socket:[{row[9]}]" in own for row in rows
    )


def test_rows_come_through_the_tunnel_and_by_no_socket_of_this_machine(
    heavy: Source, relay: MakeRelay
) -> None:
    way = relay("--freeze-after", "2000000", "--freezes", "1")  # so that the connection lasts
    tap = TapMySQL(config=heavy.config(**way.way), catalog=heavy.catalog("heavy"))
    shape = Shape(pa.schema([("id", pa.int32())]), 20, 2**20)
    rows = iter(Fetch(tap.source, "SELECT id FROM tap_test.heavy", shape, tap.stop))
    next(rows)
    assert connected_to(way.port) > 0
    rows.close()  # type: ignore[attr-defined]
    tap.close()


@pytest.mark.parametrize("cure", [Cure.RETRY, Cure.SMALLER])
def test_a_read_that_was_tried_again_is_counted(
    wide: Source, monkeypatch: pytest.MonkeyPatch, cure: Cure
) -> None:
    monkeypatch.setattr("tidemark_core.retry._FIRST", 0.01)
    begin, faults = Fetch.__iter__, [True, True]

    def failing(self: Fetch) -> Any:
        if faults:
            faults.pop()
            raise FetchError(2013, "Lost connection", cure)
        return begin(self)

    monkeypatch.setattr(Fetch, "__iter__", failing)
    leg = LegReport("extract", "r")
    monkeypatch.setattr("tidemark_core.runs.report.open_reports", [leg])
    result = wide.read("wide", "update_at")
    assert result.ids("wide") == list(range(1, ROWS + 1))
    assert [table.retries for table in leg.tables] == [2]


@pytest.mark.fault(36)
def test_a_table_that_changes_under_the_read_is_looked_at_again(
    wide: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, first = Fetch.__iter__, [True]
    leg = LegReport("extract", "r")
    monkeypatch.setattr("tidemark_core.runs.report.open_reports", [leg])

    def altering(self: Fetch) -> Any:
        if first and first.pop():
            wide.sql("ALTER TABLE wide DROP COLUMN v, ADD COLUMN w INT DEFAULT 7")
        return begin(self)

    monkeypatch.setattr(Fetch, "__iter__", altering)
    result = wide.read("wide", "update_at")
    assert leg.tables[0].retries == 1
    assert result.ids("wide") == list(range(1, ROWS + 1))
    assert set(result.rows("wide")[0]) == {"id", "w", "update_at"}
    assert set(result.of("SCHEMA")[-1]["schema"]["properties"]) == {"id", "w", "update_at"}


@pytest.mark.fault(47)
def test_a_folder_that_cannot_be_written_stops_and_is_named(wide: Source) -> None:
    result = wide.run(wide.catalog("wide"), backup_temp_dir="/proc/nowhere")
    assert isinstance(result.error, SourceError)
    assert "BACKUP_TEMP_DIR" in str(result.error)


def left_folder(source: Source, name: str, *owners: int) -> Path:
    """A folder as a tap leaves it: of which processes; pid 0 is one that has ended."""
    folder = source.folder / f"tidemark-tap-999999-{name}"
    folder.mkdir(parents=True)
    (folder / "000001.parquet").write_text("old")
    dead = replace(Holder.this_process("a tap"), started=1)
    told = [Holder.of(pid, "a process") if pid else dead for pid in owners]
    (folder / ".owners").write_text(json.dumps([owner.to_dict() for owner in told]))
    return folder


@pytest.mark.security(22)
def test_files_on_their_way_are_ours_alone_and_what_a_crash_left_is_removed(wide: Source) -> None:
    crashed = left_folder(wide, "crashed", 0, 0)
    handed_over = left_folder(wide, "done", 0, os.getpid())  # its target may be at work yet
    unknown, old = left_folder(wide, "unknown"), left_folder(wide, "old")
    for folder in (unknown, old):
        (folder / ".owners").unlink()
    os.utime(old, (0, 0))
    (file,) = wide.read("wide").files("wide")
    assert Path(file.path).parent.stat().st_mode & 0o777 == 0o700
    assert [f.exists() for f in (crashed, handed_over, unknown, old)] == [False, True, True, False]
    owners = json.loads((Path(file.path).parent / ".owners").read_text())
    assert [owner["pid"] for owner in owners] == [os.getpid(), os.getppid()]


@pytest.mark.fault(35)
@pytest.mark.parametrize("when", ["discovery", "the look", "never again"])
def test_a_full_server_is_asked_again(
    wide: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    monkeypatch.setattr("tidemark_core.retry._FIRST", 0.01)
    monkeypatch.setattr("tap_mysql.source.session.idle._MOST", 0)  # each question connects
    connect, tries = open_connection, list[int]()
    full = {"discovery": {1, 2}, "the look": {3, 4}, "never again": range(1, 100)}[when]

    def sometimes_full(*endpoint: Any, **arguments: Any) -> Any:
        tries.append(1)
        if len(tries) in full:
            raise pymysql.err.OperationalError(1040, "Too many connections")
        return connect(*endpoint, **arguments)

    monkeypatch.setattr("tap_mysql.source.session.connection.open_connection", sometimes_full)
    result = wide.run(wide.catalog("wide", key="update_at"), backup_retry_attempts=3)
    told = [r.getMessage() for r in caplog.records if r.name == "tap-mysql.again"]
    assert len(told) == 2, "bounded, and logged"
    assert all("Too many connections" in text for text in told)
    if when == "never again":
        assert isinstance(result.error, SourceError)
        assert len(tries) == 3
    else:
        assert result.error is None
        assert len(result.ids("wide")) == ROWS

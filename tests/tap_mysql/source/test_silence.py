"""A server that says nothing, and a target that takes nothing: neither holds the tap."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.reading.parquet_file import FinishedFile
from tap_mysql.reading.spool_folder import TempFolder
from tap_mysql.singer.messages import StreamOutput
from tidemark_core.errors import SourceError
from tidemark_singer.files.batch_file import BatchFile

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Relay, Source

ROWS = 12_000
TAP = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "tap-mysql"
MakeRelay = Callable[..., "Relay"]


@pytest.fixture
def long_rows(source: Source) -> Source:
    """25 MB that do not compress well: several times what buffers hold, and half of it in files."""
    source.make("silent", "id INT PRIMARY KEY, v TEXT, update_at DATETIME, KEY (update_at)")
    words = ", ".join(f"SHA2(seq + {number}e6, 512)" for number in range(16))
    source.sql(
        f"INSERT INTO silent SELECT seq, CONCAT({words}), '2024-01-01' + INTERVAL seq SECOND "
        f"{source.numbers(ROWS)}"
    )
    return source


def start(source: Source, **settings: Any) -> subprocess.Popen[str]:
    """The tap's command, by the tests' own tunnel."""
    source.folder.mkdir(parents=True, exist_ok=True)
    words = [str(TAP)]
    files = {"config": source.config(**settings), "catalog": source.catalog("silent", key="id")}
    for name, content in files.items():
        path = source.folder / f"{name}.json"
        path.write_text(json.dumps(content))
        words += [f"--{name}", str(path)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_batch(tap: subprocess.Popen[str]) -> list[str]:
    assert tap.stdout is not None
    lines = []
    for line in tap.stdout:
        lines.append(line)
        if '"BATCH"' in line:
            break
    return lines


@pytest.mark.fault(25)
def test_sigterm_ends_a_read_of_a_server_that_says_nothing(
    long_rows: Source, relay: MakeRelay
) -> None:
    way = relay("--freeze-after", "8000000", "--freezes", "1")
    with start(long_rows, backup_batch_size=1000, **way.way) as tap:
        lines = first_batch(tap)
        time.sleep(1.0)  # by now nothing comes any more
        began = time.monotonic()
        tap.send_signal(signal.SIGTERM)
        assert tap.stdout is not None
        rest = tap.stdout.read()  # with the lines that were read ahead, which communicate() loses
        _, errors = tap.communicate(timeout=60)
    assert tap.returncode == 143, errors
    assert time.monotonic() - began < 10
    state = [json.loads(x) for x in (*lines, *rest.splitlines()) if '"STATE"' in x][-1]["value"]
    done = sum(
        BatchFile.from_url(url).facts["rows"]
        for line in (*lines, *rest.splitlines())
        if '"BATCH"' in line
        for url in json.loads(line)["manifest"]
    )
    again = long_rows.read("silent", "id", state)
    assert again.ids("silent") == list(range(done + 1, ROWS + 1))


@pytest.mark.fault(29)
@pytest.mark.fault(33)
def test_a_server_that_says_nothing_is_asked_again_after_the_timeout(
    long_rows: Source, relay: MakeRelay
) -> None:
    way = relay("--freeze-after", "8000000", "--freezes", "1")
    result = long_rows.read("silent", "id", backup_timeout_seconds=3, **way.way)
    assert result.ids("silent") == list(range(1, ROWS + 1))


class Target:
    """Plays the target: takes the files that it is told of when it is let.

    Attributes:
        take: Lets it.
        most: Bytes that waited at most.
        largest: Bytes of the largest file.
    """

    def __init__(self) -> None:
        self.take = threading.Event()
        self.most = self.largest = 0
        self._told: list[Path] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def tell(self, path: Path) -> None:
        self._told.append(path)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(0.02):
            sizes = [path.stat().st_size for path in self._told]
            self.largest = max([self.largest, *sizes])
            self.most = max(self.most, sum(sizes))
            while self.take.is_set() and self._told:
                self._told.pop().unlink()


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    made, commit = Target(), StreamOutput.commit

    def committing(self: StreamOutput, file: FinishedFile | None, state: Any) -> None:
        commit(self, file, state)
        if file is not None:
            made.tell(file.path)

    monkeypatch.setattr(StreamOutput, "commit", committing)
    yield made
    made.close()


@pytest.mark.fault(34)
@pytest.mark.parametrize("strategy", ["sequential", "chunked"])
def test_a_target_that_stalls_is_waited_for_without_a_query_and_the_read_goes_on(
    long_rows: Source, target: Target, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more files wait than there is room, and one a range beside."""
    monkeypatch.setattr("tap_mysql.reading.range_reader._BATCH_BYTES", 2**18)  # few rows ahead
    asked = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '/* tidemark-%'"
    open_queries: list[int] = []

    def wait_and_take() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end and (target.most <= 2**20 or any(open_queries[-1:] or [1])):
            time.sleep(0.1)
            if target.most > 2**20:
                open_queries.append(long_rows.sql(asked)[0][0])
        target.take.set()

    let = threading.Thread(target=wait_and_take)
    let.start()
    result = long_rows.read(
        "silent", "id", backup_batch_size=500, backup_temp_max_mb=1, backup_strategy=strategy
    )
    assert target.take.is_set()
    let.join()
    assert open_queries[-1] == 0
    rows = sum(file.facts["rows"] for file in result.files("silent"))
    assert rows == ROWS
    # Each of two ranges may have begun a file before there was no more room, and have another
    # finished one on its way.
    assert target.most <= 2**20 + 4 * target.largest
    assert result.state["bookmarks"]["tap_test-silent"]["replication_key_value"] == ROWS


def test_a_target_that_takes_nothing_is_given_up(long_rows: Source, target: Target) -> None:
    result = long_rows.run(
        long_rows.catalog("silent", key="id"),
        backup_batch_size=500,
        backup_temp_max_mb=1,
        backup_timeout_seconds=1,
    )
    assert isinstance(result.error, SourceError)
    assert "wait for the target" in str(result.error)
    assert "BACKUP_TEMP_MAX_MB=0" in str(result.error)


def test_without_a_bound_nothing_is_waited_for(tmp_path: Path) -> None:
    folder = TempFolder(str(tmp_path), room=0)
    path = folder.new_file()
    path.write_bytes(b"x" * 2**21)
    folder.hand_over(path)
    folder.await_room(threading.Event())
    bounded = TempFolder(str(tmp_path), room=1, patience=0.2)
    path = bounded.new_file()
    path.write_bytes(b"xx")
    bounded.hand_over(path)
    with pytest.raises(SourceError):
        bounded.await_room(threading.Event())

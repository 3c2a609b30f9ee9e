"""The tap as a process: its signals, its exit codes, and what it says of a server that is away."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from readhooks import ROWS, connections
from tap_mysql.singer.tap import _FIRST_CONTACT_SECONDS
from tap_mysql.source.session.driver import CONNECT_SECONDS, GREETING_SECONDS
from tidemark_core.errors import SourceError, TunnelError
from tidemark_singer.files.batch_file import BatchFile

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source


TAP = Path(__file__).resolve().parents[3] / ".venv" / "bin" / "tap-mysql"


def command(source: Source, *arguments: str, **settings: Any) -> subprocess.Popen[str]:
    """Starts the tap's command line, through the bastion."""
    source.folder.mkdir(parents=True, exist_ok=True)
    files = {"config": source.config(bastion=True, **settings)}
    if "--discover" not in arguments:
        files["catalog"] = source.catalog("wide", key="update_at")
    words = [str(TAP), *arguments]
    for name, content in files.items():
        path = source.folder / f"{name}.json"
        path.write_text(json.dumps(content))
        words += [f"--{name}", str(path)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def messages_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.endswith("}")]


def test_the_command_discovers(wide: Source) -> None:
    with command(wide, "--discover") as tap:
        output, _ = tap.communicate(timeout=60)
    assert tap.returncode == 0
    streams = {s["tap_stream_id"]: s for s in json.loads(output)["streams"]}
    assert streams["tap_test-wide"]["key_properties"] == ["id"]


@pytest.mark.fault(25)
def test_sigterm_leaves_a_state_that_is_true_and_exits_143(wide: Source) -> None:
    with command(wide, backup_batch_size=500) as tap:
        assert tap.stdout is not None
        lines = []
        for line in tap.stdout:
            lines.append(line)
            if '"BATCH"' in line and len(lines) > 6:
                tap.send_signal(signal.SIGTERM)
                break
        # `communicate` would pass over what is in the pipe's buffer already.
        assert tap.stderr is not None
        rest, errors = tap.stdout.read(), tap.stderr.read()
        tap.wait(timeout=60)
    assert tap.returncode == 143, errors
    messages = messages_of("".join(lines) + rest)
    rows = sum(
        BatchFile.from_url(url).facts["rows"]
        for message in messages
        if message["type"] == "BATCH"
        for url in message["manifest"]
    )
    state = [m for m in messages if m["type"] == "STATE"][-1]["value"]
    assert 0 < rows < ROWS
    again = wide.read("wide", "update_at", state)
    assert again.ids("wide") == list(range(rows + 1, ROWS + 1))
    assert list(wide.folder.rglob("*.part")) == []
    assert connections(wide) == []


@pytest.mark.fault(17)
def test_after_sigkill_a_rerun_completes_what_was_committed(wide: Source) -> None:
    with command(wide, backup_batch_size=500, backup_strategy="chunked") as tap:
        assert tap.stdout is not None
        lines = []
        for line in tap.stdout:
            lines.append(line)
            if len(lines) == 40:
                tap.kill()
                break
        rest = tap.stdout.read()
        tap.wait()
    messages = messages_of("".join(lines) + rest)
    states = [number for number, message in enumerate(messages) if message["type"] == "STATE"]
    committed = [m for m in messages[: states[-1]] if m["type"] == "BATCH"]
    rows = sum(BatchFile.from_url(m["manifest"][0]).facts["rows"] for m in committed)
    again = wide.read("wide", "update_at", messages[states[-1]]["value"])
    assert rows + len(again.ids("wide")) == ROWS
    assert len(set(again.ids("wide"))) == len(again.ids("wide"))


@pytest.mark.security(7)
@pytest.mark.parametrize("debug", ["", "true"])
def test_a_wrong_password_is_told_without_it(
    wide: Source, debug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", debug)
    canary = "c4nary-p@ss/word"
    with command(wide, db_password=canary) as tap:
        shown = Path(f"/proc/{tap.pid}/cmdline").read_text()
        output, errors = tap.communicate(timeout=60)
    assert tap.returncode == 1
    assert "DB_PASSWORD" in errors
    assert canary not in output + errors + shown
    assert "c4nary" not in errors


@pytest.mark.fault(30)
def test_a_bastion_that_is_down_is_named_within_seconds(wide: Source) -> None:
    began = time.monotonic()
    with command(wide, ssh_bastion_port=1) as tap:
        _, errors = tap.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert tap.returncode == 1
    assert "127.0.0.1:1 refused" in errors
    assert "Traceback" not in errors


def test_a_wrong_setting_exits_2(wide: Source) -> None:
    with command(wide, backup_strategy="fastest") as tap:
        _, errors = tap.communicate(timeout=60)
    assert tap.returncode == 2
    assert "BACKUP_STRATEGY must be one of" in errors


@pytest.mark.fault(20)
@pytest.mark.parametrize("text", ["", "{", "[]", '{"bookmarks": []}'])
def test_a_state_file_that_is_none_stops(wide: Source, text: str) -> None:
    wide.folder.mkdir(parents=True, exist_ok=True)
    state = wide.folder / "state.json"
    state.write_text(text)
    with command(wide, "--state", str(state)) as tap:
        output, errors = tap.communicate(timeout=60)
    assert tap.returncode == 1
    assert output == ""
    assert "not Singer state" in errors


def test_a_server_that_is_away_is_told_by_its_socket(source: Source) -> None:
    result = source.run(source.catalog("t"), bastion=True, db_host="/nosuch/mysql.sock")
    assert isinstance(result.error, TunnelError)
    assert "/nosuch/mysql.sock" in str(result.error)


@pytest.mark.fault(30)
def test_a_server_that_says_nothing_is_given_up_within_half_a_minute(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_mysql.source.session.driver.GREETING_SECONDS", 1)
    monkeypatch.setattr("tap_mysql.singer.tap._FIRST_CONTACT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host, port = mute.getsockname()
        began = time.monotonic()
        result = source.run(source.catalog("wide"), db_host=host, db_port=port)
    assert isinstance(result.error, SourceError)
    assert time.monotonic() - began < 30  # backup_timeout_seconds is half an hour


def test_the_first_word_and_the_first_contact_take_less_than_half_a_minute() -> None:
    assert CONNECT_SECONDS + GREETING_SECONDS < 30
    assert _FIRST_CONTACT_SECONDS <= GREETING_SECONDS

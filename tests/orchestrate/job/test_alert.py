"""Alerts: one a failure, none again for the same, one when it is over."""

from __future__ import annotations

import json
import socket
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark.job.alert import Alert, Memory, MemoryFile, RunFacts, decide, send
from tidemark.runner.failure_cause import Cause

if TYPE_CHECKING:
    from tests.orchestrate.conftest import Hook

HOUR = 3600.0
RUN = RunFacts("r1", "h", "prod", "/logs/x.log")
BASTION, DISK = Cause("the bastion is down", "TunnelError"), Cause("no space left")


def night(causes: list[Cause | None], repeat_hours: float = 24) -> list[Alert | None]:
    """Hourly runs; what people were told after each."""
    memory: Memory | None = None
    told = []
    for hour, cause in enumerate(causes):
        alert, memory = decide(
            cause, memory, job="sync", run=RUN, now=hour * HOUR, repeat_seconds=repeat_hours * HOUR
        )
        told.append(alert)
    return told


def kinds(alerts: list[Alert | None]) -> list[str | None]:
    return [alert.kind if alert else None for alert in alerts]


def test_success_is_boring() -> None:
    assert kinds(night([None, None])) == [None, None]


def test_a_failure_that_lasts_is_told_once_and_its_end_once() -> None:
    told = night([None, BASTION, BASTION, BASTION, None, None])
    assert kinds(told) == [None, "failed", None, None, "recovered", None]
    assert told[1] is not None
    assert "sync (prod, h) failed" in told[1].text
    assert "the bastion is down" in told[1].text
    assert "/logs/x.log" in told[1].text
    assert told[1].facts["cause"] == BASTION.to_dict()
    assert told[4] is not None
    assert "works again, after 3 h" in told[4].text


def test_another_cause_is_another_failure() -> None:
    assert kinds(night([BASTION, DISK, BASTION])) == ["failed"] * 3


def test_after_a_while_it_is_told_again() -> None:
    told = night([BASTION] * 5, repeat_hours=2)
    assert kinds(told) == ["failed", None, "failed", None, "failed"]
    assert told[4] is not None
    assert "for 4 h now" in told[4].text


@given(st.lists(st.sampled_from([None, BASTION, DISK])))
def test_no_failure_is_ever_silent(causes: list[Cause | None]) -> None:
    known: Cause | None = None
    for cause, alert in zip(causes, night(causes), strict=True):
        assert (alert is not None) == (cause != known)
        known = cause


def script(folder: Path, text: str) -> str:
    path = folder / "tell me"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(stat.S_IRWXU)
    return f"'{path}' --now"


ALERT = Alert("failed", "Tidemark: sync failed", {"job": "sync", "run_id": "r1"})


def test_both_ways_get_the_whole_alert(tmp_path: Path, hook: Hook) -> None:
    command = script(tmp_path, f'cat > {tmp_path}/got; echo "$1" > {tmp_path}/argument')
    problems = send(ALERT, command, hook.url)
    assert problems == []
    expected = {"text": "Tidemark: sync failed", "job": "sync", "run_id": "r1"}
    assert json.loads((tmp_path / "got").read_text()) == expected
    assert (tmp_path / "argument").read_text() == "--now\n"
    assert hook.received == [expected]


def test_a_way_that_fails_is_told_and_the_other_one_is_still_used(
    tmp_path: Path, hook: Hook
) -> None:
    (problem,) = send(ALERT, script(tmp_path, "exit 3"), hook.url)
    assert problem.startswith("ALERT_COMMAND failed")
    assert len(hook.received) == 1
    hook.status = 500
    (problem,) = send(ALERT, None, hook.url)
    assert problem.startswith("ALERT_WEBHOOK_URL failed")
    assert "secret" not in problem


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:9/x", "nonsense"])
def test_a_url_that_is_none_or_not_answered(url: str) -> None:
    assert len(send(ALERT, None, url)) == 1


def test_an_answer_that_is_no_http_is_told_without_a_word_of_the_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            taken, _ = server.accept()
            with taken:
                taken.recv(1 << 16)
                taken.sendall(b"secret garbage\r\n")
                taken.shutdown(socket.SHUT_WR)
                while taken.recv(1 << 16):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/T0/secret"
        (garbage,) = send(ALERT, None, url)
        thread.join()
    (blank,) = send(ALERT, None, f"{url} x")
    assert garbage == "ALERT_WEBHOOK_URL failed: BadStatusLine"
    assert blank == "ALERT_WEBHOOK_URL failed: InvalidURL"


def test_what_a_server_says_of_its_refusal_is_not_repeated(hook: Hook) -> None:
    hook.status, hook.reason = 500, "\x1b]0;title\x07"
    assert send(ALERT, None, hook.url) == ["ALERT_WEBHOOK_URL failed: HTTP status 500"]


def test_an_answer_without_end_keeps_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its lines comes in time, so that no timeout of the connection is over."""
    monkeypatch.setattr("tidemark.job.alert._SECONDS", 1)
    told = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            taken, _ = server.accept()
            with taken:
                taken.recv(1 << 16)
                while not told.wait(0.1):
                    taken.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        watch = threading.Timer(20, told.set)
        watch.start()
        (problem,) = send(ALERT, None, f"http://127.0.0.1:{server.getsockname()[1]}/T0/secret")
        assert not told.is_set()
        told.set()
        watch.cancel()
        thread.join()
    assert problem == "ALERT_WEBHOOK_URL failed: no answer within 1 s"


def test_what_is_remembered_outlives_the_process(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "alerts" / "sync.json")
    assert file.load() is None
    memory = Memory("f", 1.0, 2.0, "m")
    file.save(memory)
    assert file.load() == memory
    file.save(None)
    assert file.load() is None


def test_a_damaged_memory_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "sync.json"
    path.write_text("{")
    assert MemoryFile(path).load() is None

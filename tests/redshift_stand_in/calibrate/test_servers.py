"""Calibrating with servers: the stand-in must agree with itself, PostgreSQL must not."""

from __future__ import annotations

import gc
import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redshift_stand_in import cli
from redshift_stand_in.calibrate import cases, terminal
from redshift_stand_in.calibrate.asking.outcome import Outcome
from redshift_stand_in.calibrate.asking.run import LOST, Run
from redshift_stand_in.calibrate.asking.session import DRIVER, Target
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.calibrate.asking.workspace import Workspace
from redshift_stand_in.calibrate.comparing.differences import DIFFERENCES, compare
from redshift_stand_in.calibrate.comparing.recording import Recording
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.calibrate.whole import identify, plan, record
from redshift_stand_in.context import S3Settings
from redshift_stand_in.corpus import Case, Part

from tests.redshift_stand_in.calibrate.conftest import ROLE
from tests.redshift_stand_in.conftest import BUCKET

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World

PROGRAM = Path(sys.executable).with_name("redshift-stand-in")
PIPED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def silent(*_: object) -> None:
    pass


def recorded(target: Target, parts: list[Part], storage: Storage | None = None) -> Recording:
    asked = plan(target, parts, storage)
    recording = Recording(identify(asked))
    record(asked, recording, silent, silent, silent)
    return recording


def schemas(world: World) -> list[str]:
    cursor = world.superuser().cursor()
    cursor.execute("select nspname from pg_namespace where nspname like 'calibrate%'")
    return [name for (name,) in cursor.fetchall()]


def words(world: World, *more: str) -> list[str]:
    """The command line that asks the stand-in of the tests."""
    where = ["--host", "127.0.0.1", "--port", str(world.tcp_port), "--user", "admin", "--no-tls"]
    return ["calibrate", *where, *more]


def bucket(world: World) -> list[str]:
    return ["--bucket", BUCKET, "--prefix", "p", "--role", ROLE, "--s3-endpoint", world.s3_url]


# -- what it says and leaves behind


def test_the_stand_in_agrees_with_itself(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "calibration"
    kinds = [
        "--kinds",
        "copy,types",
        "--only",
        "[st]*[my] *[1s]*",
        "--folder",
        str(folder),
        "--yes",
    ]
    assert cli.main(words(world, *bucket(world), *kinds)) == 0
    said, told = capsys.readouterr()
    assert re.fullmatch(r"\d+ cases, 0 differ: \d+ agree; \d+ s\n", said)
    [file] = folder.iterdir()
    assert file.name == "redshift-1.0.0.json"
    assert not re.search(
        r"127\.0\.0\.1|calibrate_|calibrations|000000000000|Secret", file.read_text()
    )
    assert (schemas(world), world.keys("p/")) == ([], [])
    assert "They need one schema, calibrate_" in told
    assert f"one prefix, s3://{BUCKET}/p/calibrate_" in told
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert {"progress", "note"} == {event["event"] for event in events}


def test_a_recording_is_the_same_each_time(stand_in: Target, storage: Storage) -> None:
    parts = cases.chosen(["catalogue", "copy", "rights"], "*[er]s*", storage=True)
    first, second = (recorded(stand_in, parts, storage) for _ in range(2))
    assert first.text() == second.text()
    assert {part: len(answers) for part, answers in first.parts.items()} == {
        part.name: len(part.cases) for part in parts
    }


def test_postgres_differs_in_many_ways(stand_in: Target, plain_postgres: Target) -> None:
    parts = cases.chosen(["answers", "types"], "*", storage=False)
    found = compare(recorded(plain_postgres, parts), recorded(stand_in, parts)).counts
    few = {verdict: found[verdict] for verdict in DIFFERENCES if not found[verdict]}
    assert few == {}
    assert sum(found[verdict] for verdict in DIFFERENCES) > 200


def test_a_falsified_recording_is_told_apart(
    stand_in: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = recorded(stand_in, cases.chosen(["types"], "select i::*", storage=False))
    answers = true.parts["types"]
    taken = next(text for text, each in answers.items() if not each.is_error)
    refused = next(text for text, each in answers.items() if each.is_error)
    answers |= {taken: Outcome("42601", "no such thing"), refused: Outcome()}
    file = true.save(tmp_path)
    options = ["--kinds", "types", "--only", "select i::*"]
    assert cli.main(["calibrate", "--compare", str(file), *options]) == 1
    said, told = capsys.readouterr()
    assert "COPY is not asked" in told
    assert f"takes what the cluster refuses (1):\n  types: {taken}\n" in said
    assert "    cluster:  42601 no such thing\n    stand-in: " in said
    assert (
        f"refuses what the cluster takes (1):\n  types: {refused}\n    cluster:  accepted" in said
    )
    assert f"{len(answers)} cases, 2 differ: " in said


# -- what goes wrong


def test_a_signal_ends_it_and_nothing_stays(world: World, tmp_path: Path) -> None:
    options = words(world, *bucket(world), "--folder", str(tmp_path), "--yes")
    process = subprocess.Popen([PROGRAM, *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if '"done": 100,' in line:
                break
        assert schemas(world) != []
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        assert process.wait(30) == 130
    assert "removed the schema calibrate_" in told
    assert f"removed s3://{BUCKET}/p/calibrate_" in told
    assert "error: ended by SIGINT" in told
    assert (schemas(world), world.keys("p/")) == ([], [])


def test_a_lost_connection_is_opened_again_and_the_statement_named(
    world: World, stand_in: Target
) -> None:
    [part] = cases.chosen(["types"], "select i::*", storage=False)
    victim = part.cases[3].text
    asked, said = plan(stand_in, [part], None), list[str]()
    workspace = Workspace(stand_in, asked.place)

    def watch(_: Part, case: Case) -> None:
        if case.text == victim:
            world.superuser().cursor().execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'admin'"
            )

    try:
        found = Run(workspace, asked.place, None, said.append).answers(part, watch)
    finally:
        workspace.remove()
    assert found == recorded(stand_in, [part]).parts["types"]
    [note] = said
    assert note.startswith(f"the connection was lost and is opened again, at: {victim} (")


def test_a_statement_that_ends_each_session_is_recorded_as_that(stand_in: Target) -> None:
    ends = Case("+", "end it", "select pg_terminate_backend(pg_backend_pid())")
    found = recorded(stand_in, [Part("p", (), (ends, Case("+", "one", "select 1")))]).parts["p"]
    assert (found["end it"].code, found["one"].rows) == (LOST, (("1",),))


def test_what_was_complete_when_the_time_was_over_is_kept(stand_in: Target) -> None:
    parts = [Part(name, (), (Case("+", "one", "select 1"),)) for name in ("a", "b")]
    asked = plan(stand_in, parts, None)
    recording = Recording(identify(asked))
    late = terminal.Progress(2, "cluster", -1)

    def watch(part: Part, case: Case) -> None:
        if part.name == "b":
            late.watch(part, case)

    with pytest.raises(CalibrationError, match=r"were over at b: one. Next: .*--kinds b$"):
        record(asked, recording, watch, silent, silent)
    assert list(recording.parts) == ["a"]


def refusal(options: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(options) == 2
    return capsys.readouterr().err


def test_it_asks_before_and_refuses_without_a_terminal(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refusal(words(world, "--kinds", "types"), capsys)
    assert re.search(
        r"^\d+ statements will run at 127.0.0.1:\d+, in the database dev, as admin", told
    )
    assert "Without --bucket, --prefix and --role COPY is not asked." in told
    assert "at most 4.80 USD" in told
    assert told.endswith("error: there is no terminal to ask at. Next: add --yes\n")
    assert schemas(world) == []


def test_no_is_an_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    controlling, other = pty.openpty()
    with os.fdopen(other) as typed, os.fdopen(controlling, "wb", buffering=0) as keyboard:
        monkeypatch.setattr(sys, "stdin", typed)
        keyboard.write(b"n\n")
        assert cli.main(words(world)) == 2
    said, told = capsys.readouterr()
    assert said == "Go on? [y/N] "
    assert told.endswith("nothing was asked\n")


def test_what_is_missing_is_said_with_what_to_type(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*more: str) -> str:
        return refusal(words(world, "--yes", *more), capsys)

    assert "Next: add --role ARN" in told("--bucket", "b")
    assert "Next: --kinds answers," in told("--kinds", "no")
    assert "is no recording" in refusal(["calibrate", "--compare", "nothing.json"], capsys)
    monkeypatch.delenv("REDSHIFT_PASSWORD")
    assert "REDSHIFT_PASSWORD is not set. Next: read -rs REDSHIFT_PASSWORD" in told()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_refused_login_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDSHIFT_PASSWORD", "wrong")
    told = refusal(words(world, "--yes"), capsys)
    assert "admin cannot connect to 127.0.0.1: password authentication failed" in told
    assert f"Next: psql 'host=127.0.0.1 port={world.tcp_port} dbname=dev user=admin'" in told
    gc.collect()  # the driver leaves its socket open


@pytest.mark.parametrize("module", ["redshift_connector", "sqlfluff.dialects"])
def test_the_extra_is_named_when_it_is_not_installed(
    world: World, module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    told = refusal(words(world, "--yes"), capsys)
    assert told.endswith("Next: pip install 'redshift-stand-in[calibrate]'\n")


def test_what_cannot_be_removed_is_named(
    world: World, stand_in: Target, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = plan(stand_in, [], storage)
    owner = world.superuser().cursor()
    owner.execute(f"create schema {asked.name}")  # not ours
    with pytest.raises(CalibrationError, match=rf"SQL: drop schema if exists {asked.name} cascade"):
        Workspace(stand_in, asked.place).remove()
    owner.execute(f"drop schema {asked.name}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    refused = replace(storage, s3=S3Settings(world.s3_url))
    with pytest.raises(CalibrationError, match=r"cannot clear s3://stage/calibrations/: .*Next"):
        refused.clear()
    with pytest.raises(CalibrationError, match=r"cannot write s3://stage/calibrations/: .*Next"):
        refused.put(Case("+", "x", "x", key="k"))


def test_an_answer_that_the_driver_cannot_read_is_recorded(plain_postgres: Target) -> None:
    texts = ("select '24:00:00'::time", "select 1", "select 'x'")
    part = Part("p", (), tuple(Case("+", text, text) for text in texts))
    unreadable, one, x = recorded(plain_postgres, [part]).parts["p"].values()
    assert unreadable == Outcome(DRIVER, "ValueError: hour must be in 0..23")
    assert (one.rows, x.rows) == ((("1",),), (("x",),))


# -- the whole of it


@pytest.mark.soak
def test_all_of_it_agrees_with_itself_and_not_with_postgres(
    stand_in: Target, plain_postgres: Target, storage: Storage
) -> None:
    everything = cases.chosen([], "*", storage=True)
    ours = recorded(stand_in, everything, storage)
    assert recorded(stand_in, everything, storage).text() == ours.text()
    counts = compare(recorded(plain_postgres, everything), ours).counts
    assert sum(counts[verdict] for verdict in DIFFERENCES) > 2000

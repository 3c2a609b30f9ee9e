"""What the old tool's operators type works, or stands on the migration page with what to type."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from tidemark.cli import app
from tidemark.commands.run.legs import summary, without_model
from tidemark.commands.run.sync import run_options
from tidemark.config.project import Project
from tidemark.config.tables.selection import Options, Rules
from tidemark.config.validation import unknown_settings
from tidemark.runner.failure_cause import CauseFinder
from tidemark.runner.meltano import run as run_child
from tidemark.services.health.settings_list import all_settings
from tidemark.services.lake.file_status import matches
from tidemark.services.lake.profile import ColumnProfile, Inspection, masked
from tidemark.services.sync import sync
from tidemark.services.sync.meltano_run import Outcome
from tidemark.services.sync.plan import Plan
from tidemark.services.sync.sync import LegResult
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

ROOT = Path(__file__).resolve().parents[3]
COMMAND: Any = typer.main.get_command(app)
#: What a command line of the old tool began with.
FIRST = {*COMMAND.commands, "--log-file"}
CODE = re.compile(r"`([^`]+)`")


def page_rows() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "from-the-old-tool.md").read_text()
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [(then, now) for then, now, _ in lines if then not in ("Then", "---")]


def typed() -> list[str]:
    """Every command of the page's tables: the old one where it is the same, and the new ones."""
    found = []
    for then, now in page_rows():
        if now.startswith("the same"):
            old = [words for words in CODE.findall(then) if words.partition(" ")[0] in FIRST]
            found += [f"tidemark {words}" for words in old]
        found += [words for words in CODE.findall(now) if words.startswith("tidemark ")]
    return found


def parse(line: str) -> None:
    """Parses a command line as far as the command itself, and runs nothing."""
    context = COMMAND.make_context("tidemark", shlex.split(line)[1:])
    words, command = [*context._protected_args, *context.args], COMMAND
    while hasattr(command, "commands"):
        name, command, words = command.resolve_command(context, words)
        if not hasattr(command, "commands"):
            command.make_context(name, words, parent=context)


@pytest.mark.parametrize("line", typed())
def test_what_the_page_says_is_what_the_command_line_takes(line: str) -> None:
    parse(line)


def test_the_page_has_enough_and_a_slip_would_be_seen() -> None:
    assert len(typed()) > 35
    for slip in ("tidemark sync --table-s T", "tidemark nosuch", "tidemark clean --days many"):
        with pytest.raises(Exception, match=r"(?i)no such|valid integer"):
            parse(slip)


def test_options_before_the_command_hold_for_it(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, log = tmp_path / "staging.env", tmp_path / "run.log"
    settings.touch(0o600)
    settings.write_text("S3_BUCKET_NAME=staging-lake\nBACKUP_BATCHSIZE=5\n")
    shown = lake.run("--config-file", str(settings), "config", "--format", "json")
    values = {one["name"]: (one["value"], one["source"]) for one in shown.json["settings"]}
    assert values["S3_BUCKET_NAME"] == ("staging-lake", ".env")
    assert shown.json["unknown"] == ["BACKUP_BATCHSIZE"]
    assert lake.run("info", "--format", "json").json["bucket"] == lake.project.bucket
    # An error is in the log too, and JSON where results would be.
    words = ["--log-file", str(log), "explore", "-t", "nosuch", "--format", "json"]
    done = lake.run(*words)
    error = json.loads(done.err)["error"]
    assert (done.code, error["exit_code"], error["type"]) == (2, 2, "ConfigError")
    assert (done.out, error["table"]) == ("", "settlement.nosuch")
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert records[0]["event"] == "CLI initialized successfully"
    assert records[-1]["table"] == "settlement.nosuch"
    assert log.stat().st_mode & 0o777 == 0o600
    refused = lake.run("--log-file", str(tmp_path / "no" / "x.log"), "info")
    assert (refused.code, "cannot be written" in refused.err) == (2, True)


def test_the_version_and_the_groups_are_shown(lake: Lake) -> None:
    assert lake.run("--version").out == f"tidemark {version('tidemark')}\n"
    text = lake.run("--help").out
    places = [text.index(f"─ {name} ─") for name in ("Run", "Look", "Repair", "Clean", "AWS")]
    assert places == sorted(places)
    assert "athena-ddl" not in text, "external-table is the one command for it"


def test_a_pattern_fits_what_follows_the_time() -> None:
    folder = "incremental/settlement.t/year=2025/month=07/day=28/hour=20"
    key = f"{folder}/2025-07-28_20-12-03_batch_0001.parquet"
    for pattern in ("batch_*", "*.parquet", "2025-07-28_*", "*batch_*", "incremental/*"):
        assert matches(key, pattern), pattern
    for pattern in ("atch_*", "batch", "2025-07-29_*", "batch_0002*"):
        assert not matches(key, pattern), pattern


def test_a_pattern_that_fits_nothing_is_told_of(lake: Lake) -> None:
    lake.commit(lake.file())
    assert "No file matches nosuch_*" in lake.run("s3clean", "list", "--pattern", "nosuch_*").err
    assert "No file matches" not in lake.run("s3clean", "list", "--pattern", "batch_*").err


def test_what_scripts_look_for_is_still_printed(lake: Lake) -> None:
    other = TableName("settlement", f"{lake.table.table}_too")
    for table in (lake.table, other):
        lake.commit(lake.file(table=table), table=table)
    told = lake.run("inspect")
    assert told.code == 0
    assert told.out.count("Data Shape: 3 rows, 2 columns") == 2
    assert len(lake.run("inspect", "--format", "json").json) == 2
    assert lake.run("inspect", "-t", str(other), "--format", "json").json["table"] == str(other)
    board = lake.run("dashboard").out
    assert "Recent Activity" in board
    assert "Watermark" in board


def test_values_of_masked_columns_are_not_shown(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.commit(lake.file())
    monkeypatch.setenv("MASK_COLUMNS", f'["{lake.table.table}.update_*"]')
    assert "2025-08-03" not in lake.run("inspect", "-t", str(lake.table)).out
    assert "2025-08-03" in lake.run("inspect", "-t", str(lake.table), "--unmask").out


@given(
    st.lists(st.sampled_from(["id", "Email", "name", "e_mail"]), unique=True),
    st.lists(st.sampled_from(["*mail*", "t.name", "s.t.ID", "u.name", "nothing"])),
)
def test_a_masked_column_keeps_its_nulls_and_no_value(names: list[str], rules: list[str]) -> None:
    columns = tuple(ColumnProfile(name, "string", 1, 2, "secret", "secret") for name in names)
    rows = tuple(dict.fromkeys(names, value) for value in ("secret", None))
    found = masked(Inspection("s.t", 2, 1, (), columns, 2, rows, ()), rules)
    hidden = {n for n in names if "mail" in n.lower() and "*mail*" in rules}
    hidden |= {n for n in names if (n, f"t.{n}") == ("name", "t.name") and "t.name" in rules}
    hidden |= {n for n in names if n == "id" and "s.t.ID" in rules}
    for column in found.columns:
        assert (column.minimum == "***") == (column.column in hidden)
    for name in names:
        assert [row[name] for row in found.sample] == ["***" if name in hidden else "secret", None]


@given(st.sampled_from(sorted(all_settings())), st.data())
def test_a_misspelt_setting_is_pointed_out_with_the_one_that_is_meant(
    name: str, data: st.DataObject
) -> None:
    assert unknown_settings([name, f"{name}_FILE"][: 1 + all_settings()[name][0].secret]) == {}
    at = data.draw(st.integers(1, len(name) - 2))
    slip = name[:at] + name[at + 1 :]
    if len(name) > 7 and slip not in all_settings():
        assert slip in unknown_settings([slip])


def test_names_of_others_are_left_alone() -> None:
    theirs = ["PATH", "AWS_PROFILE", "MELTANO_ENVIRONMENT", "DBT_THREADS", "SLACK_CHANNEL"]
    assert unknown_settings(theirs) == {}
    assert unknown_settings(["BACKUP_BATCHSIZE"]) == {
        "BACKUP_BATCHSIZE": "; BACKUP_BATCH_SIZE is one"
    }


@pytest.mark.parametrize(
    ("environ", "typed", "expected"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"DEBUG": "true"}, False, True),
        ({"LOG_LEVEL": "debug"}, False, True),
        ({"LOG_LEVEL": "loud"}, False, False),
    ],
)
def test_debug_in_the_settings_is_the_option(
    environ: dict[str, str], typed: bool, expected: bool
) -> None:
    project = Project(ROOT, environ)
    assert run_options(project, None, None, None, None, debug=typed).debug is expected


def test_a_table_without_a_model_is_told_of() -> None:
    tables = [TableName("settlement", name) for name in ("partner_info", "nosuch")]
    (told,) = without_model(Project(ROOT, {}), tables)
    assert told.startswith("settlement.nosuch has no dbt model: its rows are in landing.nosuch")


def test_the_last_line_has_rows_megabytes_seconds_and_speed() -> None:
    read = [Outcome("backup", f"s.t{n}", 500, 1, bytes=600_000) for n in (1, 2)]
    legs = [
        LegResult("backup", read, seconds=4.0),
        LegResult("load", [Outcome("load", "s.t1", 500, 1, bytes=600_000)], seconds=6.0),
    ]
    told = "2 tables, 1,000 rows, 1.2 MB in 10 s (backup 4 s, load 6 s), 100 rows/s"
    assert summary(legs) == told


def test_a_run_that_ctrl_c_ended_goes_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its child made of the signal: Meltano calls it a failure."""
    child = "import signal, sys, time\nsignal.signal(2, lambda *_: sys.exit(1))\n"
    child += "print('ready', flush=True)\ntime.sleep(30)"
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

    code = run_child([sys.executable, "-c", child], ROOT, os.environ, hear)
    assert (code, heard[0].strip()) == (-signal.SIGINT, "ready")
    assert "Ctrl-C" in CauseFinder().cause(code).message
    ended = LegResult("backup", [], 130, "it was interrupted by Ctrl-C")
    monkeypatch.setattr(sync, "run_backup", lambda *_: ended)
    monkeypatch.setattr(sync, "run_load", lambda *_: pytest.fail("the load began"))
    plan = Plan((), {}, Rules(), Options(), "run")
    begun: list[str] = []
    legs = list(sync.run_legs(Project(ROOT, {}), plan, lambda _: None, begun.append))
    assert (begun, [leg.code for leg in legs]) == (["backup"], [130])


@pytest.mark.parametrize("prefix", ["/", "", "incremental/", "incremental/x", "manifests"])
def test_pages_are_not_put_among_the_lakes_files(lake: Lake, prefix: str, tmp_path: Path) -> None:
    root = lake.project.layout.root if prefix.strip("/") else ""
    done = lake.run("docs", "publish", "--prefix", root + prefix, "--out", str(tmp_path))
    assert done.code == 2
    assert "cannot be used for the pages" in done.err

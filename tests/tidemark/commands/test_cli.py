"""The command line as a whole: every example works as printed, and nothing hangs or spills."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from tidemark.cli import app
from tidemark.services.bookmarks.bookmark import Leg
from tidemark_core.names import TableName
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake, Result

ROOT = typer.main.get_command(app)
PARTNER = TableName("settlement", "partner_info")
#: Real runs of Meltano and what stands on them.
RUNS = {"backup", "sync", "verify"}
#: They need what dbt has built.
BUILT = {"docs build", "docs publish", "reconcile"}
#: They change the project's files: tests/e2e/test_any_database.py types such commands.
EDITING = {"add", "remove"}
#: They are about tables that are read by the server's log, of which this project has none:
#: tests/orchestrate/test_follow.py types such commands.
BY_LOG = {"follow", "resync"}
#: Names a place in the log of the reader's own server: test_watermark.py types such a command.
PLACE = "--position"


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command with its words."""
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())


def examples(name: str) -> list[str]:
    """The examples in a command's help."""
    lines = (COMMANDS[name].epilog or "").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("tidemark ")]


QUICK = [
    example
    for name in COMMANDS
    for example in examples(name)
    if (name not in RUNS or "--dry-run" in example)
    and name not in BUILT | EDITING | BY_LOG
    and PLACE not in example
]


@pytest.fixture
def stocked(lake: Lake, seeded: Sandbox) -> Lake:
    """A lake with a file of partner_info, and bookmarks on both legs."""
    lake.commit(lake.file(table=PARTNER), table=PARTNER)
    mark = {"replication_key": "update_at", "replication_key_value": "2025-08-03T04:05:06.000000"}
    lake.bookmark(Leg.BACKUP, None, **{PARTNER.stream: mark})
    return lake


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_an_example_in_its_help(name: str) -> None:
    assert examples(name), name
    for example in examples(name):
        assert example.startswith(f"tidemark {name}"), example


@pytest.mark.parametrize("name", ["", *sorted(COMMANDS), "watermark", "s3clean", "docs"])
def test_help_is_for_people(name: str, run: Callable[..., Result]) -> None:
    told = run(*name.split(), "--help").out
    for sign in ("<bool>", "<str>", "<path>", "x>=", "[["):
        assert sign not in told, told
    if name:
        assert f"tidemark {name}" in told.partition("Example")[2]


def test_a_number_that_is_too_small_is_refused_in_words(run: Callable[..., Result]) -> None:
    told = run("backup", "--limit", "0")
    assert told.code == 2
    assert "0 is less than 1" in told.err


def test_a_restore_of_an_unknown_table_names_those_that_there_are(stocked: Lake) -> None:
    told = stocked.run("restore", "-t", "nosuch", "--to-file", "x.csv")
    assert told.code == 2
    assert f"choose one of: {PARTNER}" in told.err


def test_help_flows_into_the_width_that_there_is() -> None:
    assert (COMMANDS["rebuild"].help or "").count("\n") == 2


@pytest.mark.parametrize("example", QUICK)
def test_an_example_works_as_printed(
    stocked: Lake, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDWATCH_NAMESPACE", "x")
    monkeypatch.chdir(tmp_path)
    done = stocked.run(*shlex.split(example)[1:])
    assert done.code == 0, done.out + done.err


@pytest.mark.soak
def test_the_examples_that_run_meltano_work_as_printed(
    lake: Lake, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELTANO_SYS_DIR_ROOT", str(tmp_path / "sys"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    script = Path(sys.executable).parent / "tidemark"
    monkeypatch.chdir(tmp_path)
    names = ("backup", "sync", "verify", "reconcile", "docs build", "docs publish")
    every = [example for name in names for example in examples(name)]
    first = "tidemark sync"  # verify compares all tables
    for example in [first, *every]:
        done = subprocess.run(
            [str(script), *shlex.split(example)[1:]],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{example}\n{done.stdout}{done.stderr}"


#: A command line of each command, with what it needs to get as far as a server.
LINES = {
    "add": "add settlement.partner_info",
    "tables": "tables",
    "backup": "backup -t partner_info",
    "sync": "sync -t partner_info",
    "sync --redshift-only": "sync --redshift-only -t partner_info",
    "status": "status",
    "doctor": "doctor",
    "verify": "verify",
    "watermark list": "watermark list",
    "watermark get": "watermark get -t partner_info",
    "watermark set": "watermark set -t partner_info --timestamp 2025-01-01 --yes",
    "watermark reset": "watermark reset -t partner_info --yes",
    "s3clean list": "s3clean list",
    "s3clean clean": "s3clean clean --force",
    "s3clean clean-all": "s3clean clean-all --force",
    "clean": "clean --days 3",
    "clean --retention": "clean --retention",
    "config": "config --connect",
    "explore": "explore",
    "inspect": "inspect -t partner_info",
    "report": "report --html report.html",
    "dashboard": "dashboard --once",
    "rebuild": "rebuild -t partner_info --yes",
    "reconcile": "reconcile -t partner_info --yes",
    "restore": "restore -t partner_info --to-file partner.csv",
    "athena-ddl": "athena-ddl -t partner_info",
    "cloudwatch": "cloudwatch",
    "external-table": "external-table -t partner_info",
    "docs build": "docs build --out site",
    "docs publish": "docs publish --out site",
}
#: They need no server: a policy is made from the settings, as is what `info` shows.
SERVERLESS = {"iam-policy", "info"}
#: It needs none either, and changes files.
ALONE = {"remove"}


def test_every_command_is_tried_with_the_servers_down() -> None:
    """Of all that the application has: a new command fails here until it has its line."""
    tried = {name for name in COMMANDS if any(f"{line} ".startswith(f"{name} ") for line in LINES)}
    assert tried | SERVERLESS | ALONE | BY_LOG == set(COMMANDS)
    assert all(line.startswith(name.split(" --")[0]) for name, line in LINES.items())


@pytest.mark.parametrize("name", sorted(SERVERLESS))
def test_what_needs_no_server_works_without_one(
    lake: Lake, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers_down(monkeypatch)
    assert lake.run(name).code == 0


def servers_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where the lake, and the bastions before both databases, should be."""
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SSH_BASTION_PORT", "1")
    monkeypatch.setenv("REDSHIFT_SSH_BASTION_PORT", "1")


@pytest.mark.parametrize("line", LINES.values(), ids=list(LINES))
def test_with_the_servers_down_a_command_says_which_and_what_next(
    lake: Lake, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site").mkdir()
    Path("site", "index.html").write_text("<html></html>")
    servers_down(monkeypatch)
    begun = time.monotonic()
    done = lake.run(*shlex.split(line))
    took = time.monotonic() - begun
    text = done.out + done.err
    assert done.code == 1 or line.startswith("dashboard"), text
    assert "Traceback" not in text
    assert any(part in text for part in ("S3", "bastion", "MySQL", "warehouse"))
    assert "Next:" in text or "What to do" in text or line.startswith("dashboard")
    assert "set DEBUG=true" not in text, "an error that nobody has explained"
    assert took < 30


@pytest.mark.parametrize(
    ("variable", "line", "part"),
    [
        ("SSH_BASTION_PORT", "backup -t partner_info", "bastion"),
        ("SSH_BASTION_PORT", "verify -t settlement.partner_info", "bastion"),
        ("REDSHIFT_SSH_BASTION_PORT", "verify -t settlement.partner_info", "bastion"),
    ],
)
def test_the_part_that_is_down_is_named(
    stocked: Lake, variable: str, line: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    done = stocked.run(*shlex.split(line))
    assert done.code == 1
    assert part in done.err
    assert "127.0.0.1:1" in done.err


def test_the_first_page_lists_the_workflows(lake: Lake) -> None:
    done = lake.run("--help")
    assert done.code == 0
    for words in (
        "Your own tables",
        "First backup",
        "Daily run",
        "Reload",
        "Clean up",
        "Something wrong",
    ):
        assert words in done.out

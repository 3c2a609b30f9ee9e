"""The runbooks work as printed, and the old tool's table names tests that are there."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tidemark_core.s3 import S3Location, list_keys
from tidemark_sandbox.world import Sandbox

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = sorted(
    path for path in (ROOT / "docs" / "runbooks").glob("*.md") if path.name != "README.md"
)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_runbook_is_listed_and_has_commands() -> None:
    listed = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    for path in RUNBOOKS:
        assert f"({path.name})" in listed
        assert BLOCK.search(path.read_text())


def test_the_old_tools_table_names_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "from-the-old-tool.md").read_text()
    named = re.findall(r"`([a-z0-9_]+/test_[a-z0-9_]+\.py)(?:::(test_[a-z0-9_]+))?`", text)
    assert len(named) > 20
    for file, function in named:
        path = ROOT / "tests" / file
        assert path.is_file(), file
        assert not function or f"def {function}(" in path.read_text(), f"{file}::{function}"


def test_everything_that_the_old_tool_had_is_in_the_table_with_a_test() -> None:
    text = (ROOT / "docs" / "from-the-old-tool.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0] not in ("Then", "---")]
    assert [row for row in rows if len(row) != 3 or "/test_" not in row[2]] == []
    then = " ".join(row[0] for row in rows)
    for word in (
        "backup", "sync", "watermark get", "watermark set", "watermark reset", "watermark list",
        "s3clean list", "s3clean clean", "clean-all", "clean --bucket", "status", "config", "info",
        "-s sequential", "--dry-run", "--estimate", "--config", "--log-file", "--debug",
        "--backup-only", "--redshift-only", "--limit", "--verify-data", "--max-workers",
        "--batch-size", "--timestamp", "--id", "--older-than", "--pattern", "--force",
        "backup_dashboard", "display_s3_data", "inspect_backup_data", "health check",
        "many tables", "retention script", "cron", "systemd",
    ):  # fmt: skip
        assert word in then, word


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of its own, in which partner_info has been brought to the warehouse."""
    folder = tmp_path_factory.mktemp("runbooks") / "sandbox"
    world = Sandbox(folder, Sandbox.free_port_block())
    world.up()
    try:
        world.seed(1_000, seed=7)
        world.mysql("CREATE DATABASE recovery")
        world.mysql("CREATE USER recovery IDENTIFIED BY 'recovery'")
        world.mysql("GRANT ALL ON recovery.* TO recovery")
        yield world
    finally:
        world.reset()


def environment(world: Sandbox, folder: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MELTANO_")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    binaries = Path(sys.executable).parent
    return env | world.env() | {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "MELTANO_PROJECT_ROOT": str(ROOT),
        "MELTANO_SYS_DIR_ROOT": str(folder / "sys"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "NEW_KEY": world.env()["SSH_BASTION_KEY_PATH"],
    }  # fmt: skip


CLAIMS = "settlement_claim_detail"
#: Of the page's blocks: settings, shell and SQL, in their order.
TAKEOVER = re.compile(r"^```(sh|sql|)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def leave_what_the_old_tool_left(world: Sandbox, location: S3Location) -> str:
    """Its file, its watermark, and its table: one row short, with one that MySQL has no more.

    Returns:
        The file's key.
    """
    rows = world.mysql(f"SELECT ID, total, update_at FROM {CLAIMS} ORDER BY ID")
    lost = [(900_001, *rows[0][1:]), *rows[1:]]
    sink = io.BytesIO()
    names = ("ID", "total", "update_at")
    pq.write_table(pa.table({n: [row[i] for row in lost] for i, n in enumerate(names)}), sink)
    folder = f"incremental/settlement.{CLAIMS}/year=2025/month=07/day=28/hour=20"
    key = f"{folder}/2025-07-28_20-12-03_batch_0001.parquet"
    client, mark = location.client(), "watermark/last_run_timestamp.txt"
    client.put_object(Bucket=location.bucket, Key=key, Body=sink.getvalue())
    client.put_object(Bucket=location.bucket, Key=mark, Body=b"2025-08-09 20:00:01")
    world.warehouse(
        f"CREATE TABLE public.{CLAIMS} (id BIGINT, total DECIMAL(15,4), update_at TIMESTAMP)"
    )
    values = ", ".join(f"({n}, {total}, '{moment}')" for n, total, moment in lost)
    world.warehouse(f"INSERT INTO public.{CLAIMS} VALUES {values}")
    return key


@pytest.mark.soak
def test_the_old_tool_is_taken_over_as_printed(world: Sandbox, tmp_path: Path) -> None:
    env = environment(world, tmp_path)
    env["OLD_WATERMARK"] = "2025-08-09 20:00:01"
    location = S3Location.from_config({name.lower(): value for name, value in env.items()})
    old_file = leave_what_the_old_tool_left(world, location)
    page = (ROOT / "docs" / "from-the-old-tool.md").read_text()
    shell: list[str] = []
    compared: list[tuple[object, ...]] = []
    for kind, text in TAKEOVER.findall(page):
        if kind == "":
            env |= dict(line.split("=", 1) for line in text.splitlines())
        elif kind == "sql":
            for statement in filter(str.strip, text.split(";")):
                found = world.warehouse(statement)
                compared += found if statement.startswith("SELECT") else []
        else:
            shell = [*(line for line in shell if line.startswith("export")), text]
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", "\n".join(shell)],
                cwd=tmp_path, env=env, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=900, check=False,
            )  # fmt: skip
            assert done.returncode == 0, text + done.stdout + done.stderr
    *counts, gone = compared
    assert dict(counts) == {"only old": 1, "only new": 1}
    assert gone[0] == 900_001
    assert old_file in {entry["Key"] for entry in list_keys(location.client(), location.bucket, "")}
    ((source,),) = world.mysql(f"SELECT count(*) FROM {CLAIMS}")
    ((new,),) = world.warehouse(f"SELECT count(*) FROM public.{CLAIMS}")
    ((old,),) = world.warehouse(f"SELECT count(*) FROM public.{CLAIMS}_old")
    assert (new, old) == (source, source)
    left = "SELECT count(*) FROM svv_tables WHERE table_schema LIKE 'tidemark_trial%'"
    assert world.warehouse(left) == [(0,)]


@pytest.mark.soak
@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_works_as_printed(path: Path, world: Sandbox, tmp_path: Path) -> None:
    from tidemark_core.tunnel import Bastion, open_endpoint

    env = environment(world, tmp_path)
    values = {name.lower(): value for name, value in env.items()}
    bastion = Bastion.from_config(values, prefix="ssh_bastion")
    with open_endpoint(bastion, env["DB_HOST"], 3306, local_port=0) as endpoint:
        env["RECOVERY_URL"] = f"mysql://recovery:recovery@127.0.0.1:{endpoint.port}/recovery"
        script = ["tidemark sync -t partner_info", *BLOCK.findall(path.read_text())]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
            cwd=tmp_path,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=550,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr

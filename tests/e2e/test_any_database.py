"""Somebody else's database from the first command to equal tables, with no file edited by hand."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import madeup
import pytest
import yaml
from tidemark_sandbox.world import Sandbox

EVERY = [f"{schema}.{name}" for schema, names in madeup.TABLES.items() for name in names]
#: Floating point and geometry are compared by nobody.
EQUAL = dict.fromkeys(EVERY, "agrees") | {"a.kinds": "agrees as far as compared"}


@dataclass(frozen=True)
class Clone:
    """A fresh clone whose ``.env`` is the sandbox's."""

    root: Path

    def run(self, program: str, *arguments: str, folder: str = "") -> str:
        """Runs a program of the environment, to its good end; what it prints, both streams."""
        done = self._run(program, *arguments, folder=folder)
        told = done.stdout + done.stderr
        assert done.returncode == 0, f"{program} {arguments}: {done.returncode}\n{told}"
        return told

    def json(self, *arguments: str) -> Any:
        """What a command of ``tidemark`` tells programs."""
        done = self._run("tidemark", *arguments, "--format", "json")
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def _run(
        self, program: str, *arguments: str, folder: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / ".venv/bin" / program), *arguments],
            cwd=self.root / folder,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
            | {"MELTANO_CLI_DISABLE_VERSION_CHECK": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def verdicts(self) -> dict[str, str]:
        """What ``verify --checksum`` says of each table."""
        return {one["table"]: one["verdict"] for one in self.json("verify", "--checksum")}

    def lint(self) -> None:
        """What ``make lint`` does to what is no Python; dbt has parsed it in the run before."""
        self.run("sqlfluff", "lint", "--disable-progress-bar", "transform/models")
        self.run("dbt-bouncer", "run", "--config-file", "dbt-bouncer.yml", folder="transform")


@pytest.fixture(scope="module")
def clone(
    module_sandbox: Sandbox,
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Clone:
    for statement in madeup.MADE:
        module_sandbox.mysql(statement)
    user = module_sandbox.env()["DB_USER"]
    module_sandbox.mysql(f"GRANT SELECT, SHOW VIEW ON *.* TO '{user}'@'localhost'")
    return Clone(make_checkout(tmp_path_factory.mktemp("clone"), module_sandbox.env()))


@pytest.mark.fault(161)
def test_without_the_example_a_project_is_empty_and_runs(clone: Clone) -> None:
    clone.run("tidemark", "remove", "settlement.*", "--yes")
    assert list((clone.root / "transform").rglob("*settlement*")) == []
    output = clone.run("meltano", "run", "sync")
    assert "nothing is copied yet: tidemark add" in output
    clone.lint()


def test_two_commands_copy_every_table(clone: Clone) -> None:
    output = clone.run("tidemark", "add", "a.*", "b.*", "--yes")
    assert "Next: meltano run sync" in output
    clone.run("meltano", "run", "sync")
    assert clone.verdicts() == EQUAL
    clone.lint()
    listed = clone.json("tables")
    assert [one["differences"] for one in listed["tables"]] == [[]] * len(EVERY)
    assert all(one["rows"] is not None for one in listed["tables"])


def test_tables_that_change_are_added_again(clone: Clone, module_sandbox: Sandbox) -> None:
    file = clone.root / "transform/models/tables/customer.yml"
    text = file.read_text().replace('"int(10) unsigned in MySQL."', "Hers.")
    file.write_text(f"# by hand\n{text}")
    for statement in madeup.statements(madeup.CHANGES):
        module_sandbox.mysql(statement)
    output = clone.run("tidemark", "add", "a.*", "b.*", "--yes")
    assert "new column born" in output
    assert "new column unit" in output
    columns = yaml.safe_load(file.read_text())["models"][0]["columns"]
    assert [column["name"] for column in columns] == ["id", "name", "updated_at", "born"]
    assert columns[0]["description"] == "Hers."
    assert file.read_text().startswith("# by hand")
    clone.run("meltano", "run", "sync")
    assert clone.verdicts() == EQUAL

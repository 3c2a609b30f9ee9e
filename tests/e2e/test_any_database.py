"""Somebody else's database from the first command to equal tables, with no file edited by hand."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import madeup
import pytest
import yaml
from tidemark_sandbox.world import Sandbox

EVERY = [f"{schema}.{name}" for schema, names in madeup.TABLES.items() for name in names]


@dataclass(frozen=True)
class Clone:
    """A fresh clone whose ``.env`` is the sandbox's."""

    root: Path

    def run(self, program: str, *arguments: str, folder: str = "", ends: int = 0) -> str:
        """Runs a program of the environment; what it prints."""
        done = subprocess.run(
            [str(self.root / ".venv/bin" / program), *arguments],
            cwd=self.root / folder,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
            | {"MELTANO_CLI_DISABLE_VERSION_CHECK": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        told = f"{program} {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == ends, told
        return done.stdout

    def verdicts(self) -> dict[str, str]:
        """What ``verify --checksum`` says of each table."""
        found = json.loads(self.run("tidemark", "verify", "--checksum", "--format", "json"))
        return {table["table"]: table["verdict"] for table in found}

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
    assert clone.verdicts() == dict.fromkeys(sorted(EVERY), "agrees")
    clone.lint()
    listed = json.loads(clone.run("tidemark", "tables", "--format", "json"))
    assert [one["differences"] for one in listed["tables"]] == [[]] * len(EVERY)
    assert all(one["rows"] is not None for one in listed["tables"])


def test_tables_that_change_are_added_again(clone: Clone, module_sandbox: Sandbox) -> None:
    file = clone.root / "transform/models/tables/customer.yml"
    file.write_text(
        file.read_text().replace("# ", "#").replace("name: id,", "name: id, tags: [pk],")
    )
    for statement in madeup.statements(madeup.CHANGES):
        module_sandbox.mysql(statement)
    output = clone.run("tidemark", "add", "a.*", "b.*", "--yes")
    assert "new column born" in output
    assert "new column unit" in output
    columns = yaml.safe_load(file.read_text())["models"][0]["columns"]
    assert [column["name"] for column in columns] == ["id", "name", "updated_at", "born"]
    assert columns[0]["tags"] == ["pk"]
    clone.run("meltano", "run", "sync")
    assert clone.verdicts() == dict.fromkeys(sorted(EVERY), "agrees")
    clone.lint()

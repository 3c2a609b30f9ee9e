"""Somebody else's database from the first command to equal tables, with no file edited by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import madeup
import pyarrow.parquet as pq
import pytest
import yaml
from projects.checkouts import run_in
from tidemark_sandbox.world import Sandbox

EVERY = [f"{schema}.{name}" for schema, names in madeup.TABLES.items() for name in names]
#: Floating point and geometry are compared by nobody.
EQUAL = dict.fromkeys(EVERY, "agrees") | {"a.kinds": "agrees as far as compared"}


#: Those with a key that have no column which tells when a row changed.
BY_LOG = [
    "a.2024_sales", "a.calendar", "a.kinds", "a.odd columns", "a.order_items", "a.sometimes",
    "a.tokens", "b.empty_b", "b.group", "b.nothing_changes", "b.price$list",
]  # fmt: skip


@dataclass(frozen=True)
class Clone:
    """A fresh clone whose ``.env`` is the sandbox's."""

    root: Path

    def run(self, program: str, *arguments: str, folder: str = "") -> str:
        """Runs a program of the environment, to its good end; what it prints, both streams."""
        done = run_in(self.root, program, *arguments, folder=folder)
        told = done.stdout + done.stderr
        assert done.returncode == 0, f"{program} {arguments}: {done.returncode}\n{told}"
        return told

    def json(self, *arguments: str) -> Any:
        """What a command of ``tidemark`` tells programs."""
        done = run_in(self.root, "tidemark", *arguments, "--format", "json")
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)

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
    methods = {one["table"]: one["replication_method"] for one in listed["tables"]}
    assert [table for table, method in methods.items() if method == "LOG_BASED"] == BY_LOG
    assert [one["differences"] for one in listed["tables"]] == [[]] * len(EVERY)
    assert all(one["rows"] is not None for one in listed["tables"])


@pytest.mark.fault(182)
@pytest.mark.fault(203)
def test_tables_that_change_are_added_again(
    clone: Clone, module_sandbox: Sandbox, tmp_path: Path
) -> None:
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
    clone.run("tidemark", "add", "a.tokens", "b.price$list", "--soft-delete", "--yes")
    clone.run("meltano", "run", "sync")
    assert clone.verdicts() == EQUAL
    some_keep_what_is_deleted(clone, module_sandbox)
    only_the_log_tells(clone, module_sandbox, tmp_path / "tokens.parquet")


def some_keep_what_is_deleted(clone: Clone, sandbox: Sandbox) -> None:
    """With their last values, as their contracts say; the commands know of it."""
    tokens = "SELECT to_hex(token), owner, deleted_at IS NULL FROM public.tokens ORDER BY 1"
    assert [tuple(row) for row in sandbox.warehouse(tokens)] == [
        ("00000000", 4, True), ("00010203", 1, False), ("fffefdfc", 3, True),
    ]  # fmt: skip
    kept = [one for one in clone.json("tables")["tables"] if not one["hard_delete"]]
    assert [one["table"] for one in kept] == ["a.tokens", "b.price$list"]
    prices = f"SELECT id, price, deleted_at IS NULL FROM public.{kept[1]['name']}"
    assert [tuple(row) for row in sandbox.warehouse(prices)] == [(1, Decimal("1.25"), False)]
    deleted = {one["table"]: one["deleted"] for one in clone.json("verify")}
    assert {table for table, rows in deleted.items() if rows} == {"a.tokens", "b.price$list"}


def only_the_log_tells(clone: Clone, sandbox: Sandbox, restored: Path) -> None:
    """Rows that are gone have left public, landing has their history, and restore knows of it."""
    landing = "SELECT count(*), count(_sdc_deleted_at) FROM landing.nothing_changes"
    versions = sandbox.warehouse(landing, user="tidemark_loader")
    assert [tuple(row) for row in versions] == [(3, 1)]
    clone.run("tidemark", "restore", "-t", "a.tokens", "--to-file", str(restored))
    rows = sorted(tuple(row.values()) for row in pq.read_table(restored).to_pylist())
    assert rows == [(b"\0\0\0\0", 4), (b"\xff\xfe\xfd\xfc", 3)]
    gone = {
        table["table"]: table["deleted"] for table in clone.json("reconcile", "--dry-run")["tables"]
    }
    assert [table for table in BY_LOG if gone.get(table)] == []

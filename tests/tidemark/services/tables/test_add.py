"""What `tidemark add` proposes for tables that are there, asked of MySQL itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from tidemark.config.files.file_changes import FileChanges
from tidemark.config.project import Project
from tidemark.services.tables.addition import Added, Addition, plan_addition
from tidemark.services.tables.contract.contract import read_contracts
from tidemark.services.tables.method import Wish
from tidemark.services.tables.project_files import ProjectFiles
from tidemark_core.errors import ConfigError
from tidemark_core.types.super_columns import SuperColumns
from tidemark_sandbox.world import Sandbox

PAPERS = "transform/models/tables/papers.yml"
TOUCHED = "changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
TABLES = (
    f"good (id INT PRIMARY KEY, {TOUCHED}, KEY (changed)) COMMENT 'What it is for: 100% | good'",
    f"bad (id INT PRIMARY KEY, _tidemark_load_id INT, {TOUCHED})",
    f"named (name VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, {TOUCHED}, KEY (changed))",
    f"blanks (name VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY, {TOUCHED}, KEY (changed))",
    "gappy (id INT PRIMARY KEY, seen TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP, KEY (seen))",
    "zero (id INT PRIMARY KEY, seen DATETIME NOT NULL ON UPDATE CURRENT_TIMESTAMP, KEY (seen))",
    f"long_text (id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT, {TOUCHED}, KEY (changed))",
    f"papers (id INT PRIMARY KEY, body MEDIUMTEXT, short VARCHAR(9), {TOUCHED}, KEY (changed))",
    f"partner_info (id INT PRIMARY KEY, {TOUCHED}, KEY (changed))",
)  # fmt: skip


@pytest.fixture(scope="module")
def database(sandbox: Sandbox) -> Iterator[str]:
    """A database that our user may read."""
    name, user = "add_test", sandbox.env()["DB_USER"]
    sandbox.mysql(f"CREATE DATABASE {name}")
    for table in TABLES:
        sandbox.mysql(f"CREATE TABLE {name}.{table}")
    sandbox.mysql(f"INSERT INTO {name}.gappy VALUES (1, NULL)")
    sandbox.mysql("SET sql_mode=''")
    sandbox.mysql(f"INSERT IGNORE INTO {name}.zero VALUES (1, '0000-00-00')")
    sandbox.mysql(f"INSERT INTO {name}.long_text (id, a, b) VALUES (1, repeat('ä', 40000), 'b')")
    sandbox.mysql(f"GRANT SELECT, SHOW VIEW ON {name}.* TO '{user}'@'localhost'")
    yield name
    sandbox.mysql(f"DROP DATABASE {name}")


@pytest.fixture
def plan(
    sandbox: Sandbox,
    database: str,
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path: Path,
) -> Callable[..., tuple[Addition, ProjectFiles]]:
    """Plans an addition to a checkout; nothing is written."""
    root = make_checkout(tmp_path, sandbox.env())

    def plan(  # type: ignore[no-untyped-def]
        *patterns: str,
        left_out: str = "",
        wish: Wish | None = None,
        super_columns: Iterable[object] = (),
    ):
        chosen = SuperColumns.parse({"add_test.papers": list(super_columns)})
        files = ProjectFiles(FileChanges(root), super_columns=chosen)
        project = Project(root, sandbox.env(), root / ".env")
        found = plan_addition(
            project, files, patterns, [left_out] if left_out else [], wish or Wish()
        )
        return found, files

    return plan


@pytest.mark.fault(162)
def test_a_table_that_cannot_be_copied_is_refused_by_name_and_the_others_are_not(
    plan: Callable[..., tuple[Addition, ProjectFiles]],
) -> None:
    found, files = plan("add_test.*")
    (refused,) = found.refused
    assert (refused.table, refused.column) == ("add_test.bad", "_tidemark_load_id")
    assert "'!add_test-bad._tidemark_load_id'" in str(refused.hint)
    tables = [str(one.table) for one in found.added]
    assert len(tables) == len(TABLES) - 1
    assert not any("bad" in rule for rule in files.rules.select)
    paths = files.changes.paths
    assert paths.index("transform/models/tables/good.yml") < paths.index(
        "extract/extractors.meltano.yml"
    )
    assert "DB_SCHEMAS='[\"add_test\"]'" in str(files.changes.read(".env"))


def test_what_should_be_known_is_told(
    plan: Callable[..., tuple[Addition, ProjectFiles]],
) -> None:
    found, files = plan("add_test.*", left_out="add_test.bad")
    by_name: dict[str, Added] = {one.table.table: one for one in found.added}

    def told(name: str) -> str:
        return " ".join(f"{remark.text} {remark.hint}" for remark in by_name[name].remarks)

    assert told("good") == ""
    assert "differ only in case" in told("named")
    assert "'a' and 'a ' are different keys" in told("blanks")
    for name in ("gappy", "zero"):
        assert str(by_name[name].method) == "LOG_BASED"
        assert "some rows have no value (NULL or a zero date)" in told(name)
    assert "a holds up to 78.1 KB, but Redshift allows 64.0 KB" in told("long_text")
    assert "REDSHIFT_TOO_LONG" in told("long_text")
    assert " b holds" not in told("long_text")
    assert by_name["partner_info"].name == "add_test__partner_info"
    assert files.names.given == {"add_test.partner_info": "add_test__partner_info"}
    text = str(files.changes.read("transform/models/tables/good.yml"))
    assert 'description: "What it is for: 100% | good"' in text


@pytest.mark.fault(225)
def test_super_columns_are_in_the_contract_or_refused_by_name(
    plan: Callable[..., tuple[Addition, ProjectFiles]],
) -> None:
    for name in ("BODY", {"body": "json"}):
        _, files = plan("add_test.papers", super_columns=[name])
        (contract,) = read_contracts("", str(files.changes.read(PAPERS)))
        kinds = {"body": "super", "short": "varchar(36)"}
        assert contract.columns == {**contract.columns, **kinds}
    for name, why in (
        ("gone", "a column that the table does not have"),
        ("short", "a text that always fits VARCHAR(36)"),
        ("id", "a column of type int32"),
    ):
        found, files = plan("add_test.papers", super_columns=[name])
        (refused,) = found.refused
        assert (refused.table, refused.column) == ("add_test.papers", name)
        assert why in refused.message
        assert PAPERS not in files.changes.paths


def test_a_column_that_becomes_super_is_rebuilt_from_the_lake(
    plan: Callable[..., tuple[Addition, ProjectFiles]], sandbox: Sandbox
) -> None:
    _, files = plan("add_test.papers", super_columns=[])
    (files.root / PAPERS).write_text(str(files.changes.read(PAPERS)))
    files.super_columns = SuperColumns.parse({"add_test.papers": ["body"]})
    project = Project(files.root, sandbox.env(), files.root / ".env")
    (added,) = plan_addition(project, files, ["add_test.papers"], [], Wish()).added
    assert added.difference.told() == ["body: varchar(65535) is now super"]
    assert added.after == ["tidemark rebuild -t add_test.papers --from-lake"]


def test_the_examples_own_contracts_are_as_mysql_has_its_tables(
    plan: Callable[..., tuple[Addition, ProjectFiles]], seeded: Sandbox
) -> None:
    found, files = plan("partner_info", "settlement.settlement_*", "billing_summary")
    assert len(found.added) == 5
    assert [one.difference.told() for one in found.added] == [[]] * 5
    assert files.changes.paths == []


def test_what_is_not_there_is_refused_with_what_is(
    plan: Callable[..., tuple[Addition, ProjectFiles]],
) -> None:
    with pytest.raises(ConfigError, match=r"no table add_test\.nope") as refused:
        plan("add_test.nope")
    assert "add_test.good" in str(refused.value.hint)
    with pytest.raises(ConfigError, match=r"no table nowhere\.\*") as refused:
        plan("nowhere.*")
    assert "add_test, settlement" in str(refused.value.hint)
    with pytest.raises(ConfigError, match="applies to one table, but 2"):
        plan("add_test.good", "add_test.zero", wish=Wish("id"))
    with pytest.raises(ConfigError, match="leaves nothing to add"):
        plan("add_test.good", left_out="add_test.*")

"""The project's files take a table in, let it go, and are as they were if something is wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from tidemark.config.files.file_changes import FileChanges
from tidemark.config.project import Project
from tidemark.services.tables.method import Method
from tidemark.services.tables.project_files import ProjectFiles
from tidemark.services.tables.removal import plan_removal
from tidemark.services.tables.schemas import keep_schemas
from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName

EXTRACT = """\
plugins:
  extractors:
  - name: tap-mysql
    # which
    select:
    - crm-people.*
    - '!crm-people.secret'
    - shop-*.*
    metadata:
      crm-*:
        replication-method: INCREMENTAL
        replication-key: changed
"""
LOAD = "plugins:\n  loaders:\n  - name: target-redshift\n    settings: []\n"
CONTRACT = """\
models:
  - name: people
    config: {meta: {source: crm.people, replication_method: INCREMENTAL, replication_key: changed}}
"""
PEOPLE, NEW = TableName("crm", "people"), TableName("new", "x.y")
FULL = Method("FULL_TABLE", "")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "extract/extractors.meltano.yml": EXTRACT,
        "load/loaders.meltano.yml": LOAD,
        "transform/models/tables/people.yml": CONTRACT,
        "transform/models/tables/people.sql": "{{ table_from_contract() }}\n",
        ".env": "DB_DATABASE=crm\nDB_PASSWORD=secret\nDB_SCHEMAS=\nDB_PORT=1\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".env").chmod(0o600)
    return tmp_path


@pytest.fixture
def files(root: Path) -> ProjectFiles:
    return ProjectFiles(FileChanges(root, frozenset({root / ".env"})))


@pytest.fixture
def project(root: Path) -> Project:
    return Project(root, {"DB_DATABASE": "crm"})


def test_a_table_is_taken_in_once(files: ProjectFiles) -> None:
    for _ in range(2):
        files.select({NEW: FULL})
        files.select({PEOPLE: Method("INCREMENTAL", "", "changed")})
        files.set_names({"new.x.y": "x_y"})
    rules = files.rules
    assert rules.select == ("crm-people.*", "!crm-people.secret", "shop-*.*", r"new-x\.y.*")
    assert list(rules.metadata) == ["crm-*", "new-x[!0-9A-Za-z_*]y"]
    assert rules.tables() == [PEOPLE, NEW]
    assert rules.replication_key(NEW) is None
    assert files.names.given == {"new.x.y": "x_y"}
    assert "    # which\n" in str(files.changes.read("extract/extractors.meltano.yml"))


def test_another_method_replaces_what_a_table_had(files: ProjectFiles) -> None:
    files.select({PEOPLE: FULL})
    assert files.rules.replication_key(PEOPLE) is None
    files.select({PEOPLE: Method("INCREMENTAL", "", "id")})
    assert files.rules.replication_key(PEOPLE) == "id"
    assert dict(files.rules.metadata["crm-people"]) == {
        "replication-method": "INCREMENTAL", "replication-key": "id",
    }  # fmt: skip


def test_a_table_is_let_go_everywhere(files: ProjectFiles, project: Project) -> None:
    files.set_names({"crm.people": "people", "x.y": "z"})
    plan = plan_removal(project, files, ["people"], [])
    assert plan.tables == {PEOPLE: "people"}
    assert files.rules.select == ("shop-*.*",)
    assert files.rules.metadata == {}
    assert files.names.given == {"x.y": "z"}
    assert files.changes.read("transform/models/tables/people.yml") is None
    assert files.changes.read("transform/models/tables/people.sql") is None


def test_a_table_of_a_pattern_is_left_out_of_it(files: ProjectFiles) -> None:
    cart = TableName("shop", "cart")
    files.deselect([cart], [PEOPLE])
    assert files.rules.select[-1] == "!shop-cart.*"
    assert not files.rules.selects(cart)
    files.select({cart: FULL})
    assert files.rules.selects(cart)


def test_what_is_not_copied_cannot_be_removed(files: ProjectFiles, project: Project) -> None:
    with pytest.raises(ConfigError, match=r"no table shop\.\* is copied") as refused:
        plan_removal(project, files, ["shop.*"], [])
    assert refused.value.hint == "choose one of: crm.people"
    with pytest.raises(ConfigError, match="leaves nothing to remove"):
        plan_removal(project, files, ["crm.*"], ["people"])


@pytest.mark.parametrize("user", ["views/v.sql", "views/v.yml"])
def test_a_table_that_is_read_stays(
    files: ProjectFiles, project: Project, root: Path, user: str
) -> None:
    file = root / "transform/models" / user
    file.parent.mkdir()
    file.write_text("select * from {{ ref('people') }}")
    with pytest.raises(ConfigError, match=rf"{user} \(people\) still read"):
        plan_removal(project, files, ["crm.people"], [])
    assert files.changes.paths == []


@pytest.mark.fault(163)
def test_files_change_together_or_not_at_all(files: ProjectFiles, root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    files.select({NEW: FULL})
    files.changes.write("transform/models/tables/x_y.yml", "new")
    files.changes.write("transform/models/tables/people.yml", None)

    def refuse() -> None:
        assert (root / "transform/models/tables/x_y.yml").read_text() == "new"
        assert not (root / "transform/models/tables/people.yml").exists()
        raise ConfigError("dbt cannot read it")

    with pytest.raises(ConfigError, match="dbt cannot"):
        files.changes.apply(refuse)
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.fault(164)
def test_what_somebody_else_changes_meanwhile_is_not_written_over(
    files: ProjectFiles, root: Path
) -> None:
    files.changes.write("transform/models/tables/x_y.yml", "new")
    files.select({NEW: FULL})
    other = root / "extract/extractors.meltano.yml"
    other.write_text(EXTRACT + "# mine\n")
    with pytest.raises(ConfigError, match="changed by another program"):
        files.changes.apply(lambda: None)
    assert other.read_text().endswith("# mine\n")
    assert not (root / "transform/models/tables/x_y.yml").exists()


def test_settings_keep_their_secrets_and_their_rights(
    files: ProjectFiles, root: Path, project: Project
) -> None:
    assert keep_schemas(project, files, ["crm", "it's"]) is None
    diff = files.changes.diff()
    assert "DB_SCHEMAS" in diff
    assert "secret" not in diff
    files.changes.apply(lambda: None)
    file = root / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "DB_PASSWORD=secret\nDB_SCHEMAS='[\"it\\u0027s\"]'\nDB_PORT=1\n" in file.read_text()


def test_a_setting_that_is_elsewhere_is_told(
    files: ProjectFiles, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_SCHEMAS", '["other"]')
    assert keep_schemas(project, files, ["crm", "b"]) == "export DB_SCHEMAS='[\"b\"]'"
    assert files.changes.paths == []


def test_names_that_a_variable_would_hide_are_refused(root: Path) -> None:
    files = ProjectFiles(FileChanges(root), has_names_elsewhere=True)
    with pytest.raises(ConfigError, match="LANDING_NAMES is set"):
        files.set_names({"a.b": "c"})

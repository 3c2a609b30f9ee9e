"""What a follower's processes have ready before they fork: what commands would do at each start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from meltano.core import yaml
from tidemark.services.follow.ready.meltano import parse_project

#: Prints how many classes dbt compiles: for the last manifest, and then for another one.
_COUNT = """
import sys
from pathlib import Path
import psutil
from tidemark.dbt.run import import_dbt
from tidemark.services.follow.ready.dbt import compile_manifest
import_dbt()
from dbt.node_types import NodeType
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import Macro
from mashumaro.core.meta.code.builder import CodeBuilder
folder = Path(sys.argv[1])
macro = Macro(name="m", resource_type=NodeType.Macro, package_name="p", path="m.sql",
    original_file_path="m.sql", unique_id="macro.p.m", macro_sql="x")
packed = Manifest(macros={"macro.p.m": macro}).to_msgpack()
compile_manifest(folder)
(folder / "partial_parse.msgpack").write_bytes(b"of another version")
compile_manifest(folder)
compiled, compile = 0, CodeBuilder.compile
def counted(self):
    global compiled
    compiled += 1
    compile(self)
CodeBuilder.compile = counted
for turn in range(2):
    (folder / "partial_parse.msgpack").write_bytes(packed)
    compile_manifest(folder)
    print(compiled)
print(len(psutil.Process().children()))
"""

#: Prints the texts of the macros that dbt has compiled for the last manifest.
_MACROS = """
import sys
from pathlib import Path
from tidemark.dbt.run import import_dbt
from tidemark.services.follow.ready.dbt import compile_manifest
import_dbt()
from dbt.artifacts.resources import MacroDependsOn
from dbt.contracts.graph.manifest import Manifest, ManifestMetadata
from dbt.contracts.graph.nodes import Macro
from dbt.node_types import NodeType
from dbt_common.clients.jinja import template_cache
needs = {"p.ours": ["dbt.used"], "dbt.used": ["dbt.deep"], "dbt.deep": [], "dbt.unused": []}
macros = {}
for name, ahead in needs.items():
    package, _, short = name.partition(".")
    macros[f"macro.{name}"] = Macro(
        name=short, resource_type=NodeType.Macro, package_name=package, path="m.sql",
        original_file_path="m.sql", unique_id=f"macro.{name}", macro_sql=f"text of {short}",
        depends_on=MacroDependsOn(macros=[f"macro.{one}" for one in ahead]))
manifest = Manifest(macros=macros, metadata=ManifestMetadata(project_name="p"))
(Path(sys.argv[1]) / "partial_parse.msgpack").write_bytes(manifest.to_msgpack())
compile_manifest(Path(sys.argv[1]))
print(sorted(template_cache.file_cache))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two files, and nothing that Meltano has parsed."""
    monkeypatch.setattr(yaml, "cache", {})
    (tmp_path / "meltano.yml").write_text("include_paths: [more.meltano.yml]\n")
    (tmp_path / "more.meltano.yml").write_text("jobs: []\n")
    return tmp_path


def test_the_files_of_a_project_are_parsed(project: Path) -> None:
    parse_project(project)
    assert set(yaml.cache) == {project / "meltano.yml", project / "more.meltano.yml"}


def test_a_file_that_has_changed_is_parsed_again(project: Path) -> None:
    parse_project(project)
    (project / "more.meltano.yml").write_text("jobs: [{name: new}]\n")
    assert yaml.load(project / "more.meltano.yml")["jobs"] == [{"name": "new"}]


@pytest.mark.parametrize("text", [None, "a: [", "include_paths: [folder]\n"])
def test_a_project_that_cannot_be_read_is_left_to_the_command(
    project: Path, text: str | None
) -> None:
    (project / "folder").mkdir()
    if text is None:
        (project / "meltano.yml").unlink()
    else:
        (project / "meltano.yml").write_text(text)
    parse_project(project)


def test_what_reads_a_manifest_is_compiled_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _COUNT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    first, both, children = map(int, done.stdout.split())
    assert first > 0
    assert both == first
    assert not children, "a process that ends after this one"


def test_the_macros_that_a_build_needs_are_compiled(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MACROS, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['text of deep', 'text of ours', 'text of used']"

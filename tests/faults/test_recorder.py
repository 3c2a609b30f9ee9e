"""The account of docs/faults.md is kept rightly, and the page itself is whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from recorder import Number, read_page

PAGE = """# Faults

## Some

| No | Fault | Outcome |
|---|---|---|
| 1 | A thing breaks | RETRY |
| 2 | Another breaks | STOP |
| 3 | A third breaks | STOP |

## Security checks

| No | Check | Outcome |
|---|---|---|
| 1 | A door | Shut |
"""
TESTS = """
import pytest

@pytest.mark.fault(1)
@pytest.mark.security(1)
@pytest.mark.parametrize("case", "ab")
def test_both(case):
    pass

@pytest.mark.fault(2)
def test_second():
    assert False

@pytest.mark.fault(2)
@pytest.mark.soak
def test_long():
    pass
"""


class Project:
    """A project of its own, in which pytest runs as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "docs").mkdir()
        (folder / "docs" / "faults.md").write_text(PAGE)
        (folder / "pytest.ini").write_text(
            "[pytest]\naddopts = -q -p recorder -m 'not soak'\n"
            "markers =\n    fault(n)\n    security(n)\n    soak\n"
        )
        self.tests = folder / "test_things.py"
        self.tests.write_text(TESTS)

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTEST_ADDOPTS": "",
                "PYTHONPATH": str(Path(__file__).parent),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_account_shows_each_number_with_the_last_result_of_its_tests(project: Project) -> None:
    before = project.pytest("--faults")
    assert before.returncode == 0, before.stdout
    assert "fault 1      not run" in before.stdout
    project.pytest()
    after = project.pytest("--faults").stdout
    assert "fault 1      passed" in after
    assert "test_things.py::test_both (2 cases)" in after
    assert "security 1   passed" in after
    assert "fault 2      failed" in after
    assert "fault 2      not run" in after  # the long one
    assert "fault 3      open" in after
    assert "3 of 4 have a test, 1 are open" in after


def test_a_result_outlives_runs_of_other_tests_and_a_fixed_test_is_passed(project: Project) -> None:
    project.pytest()
    project.tests.write_text(TESTS.replace("assert False", "pass"))
    project.pytest("-k", "second")
    account = project.pytest("--faults").stdout
    assert "fault 1      passed" in account
    assert "failed" not in account


@pytest.mark.parametrize("broken", ["raise ValueError", "pytest.skip('no server')"])
def test_a_test_whose_fixture_fails_proves_nothing(project: Project, broken: str) -> None:
    project.pytest()
    fixture = f"\n@pytest.fixture(autouse=True)\ndef _broken():\n    {broken}\n"
    project.tests.write_text(TESTS + fixture)
    project.pytest()
    assert "passed" not in project.pytest("--faults").stdout


@pytest.mark.parametrize("mark", ["fault(4)", "security(2)", "fault()", "fault('1')"])
def test_a_number_that_the_page_does_not_have_stops_the_collection(
    project: Project, mark: str
) -> None:
    project.tests.write_text(TESTS.replace("fault(2)", mark, 1))
    done = project.pytest()
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "docs/faults.md has no" in done.stderr + done.stdout
    assert "test_second" in done.stderr + done.stdout


def test_the_page_has_every_number_once(project_root: Path) -> None:
    page = read_page((project_root / "docs" / "faults.md").read_text())
    # Those that came later stand beside their like, and not all of them need to be taken.
    faults = [n.number for n in page if n.kind == "fault"]
    assert len(set(faults)) == len(faults)
    assert sorted(faults)[:105] == list(range(1, 106))
    checks = [n.number for n in page if n.kind == "security"]
    assert checks == list(range(1, len(checks) + 1))


def test_a_number_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="fault 1 stands"):
        read_page(PAGE.replace("| 2 |", "| 1 |"))
    assert Number("fault", 2) in read_page(PAGE)

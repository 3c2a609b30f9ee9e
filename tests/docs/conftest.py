"""A machine on which the pages are followed, and a repository of this checkout to clone there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from projects.machines import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """This machine, with nothing of ours on it but the Debian packages that the pages name."""
    if os.geteuid() != 0:
        pytest.skip("makes accounts, in a namespace of its own")
    folder = tmp_path_factory.mktemp("machine")
    yield Machine(folder)
    subprocess.run(["rm", "-rf", folder], check=True)  # two environments: four times as fast


@pytest.fixture(scope="module")
def fork(
    machine: Machine,
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The URL of a repository with the files of this checkout, as they are now."""
    project = make_checkout(tmp_path_factory.mktemp("project"), {})
    (project / ".venv").unlink()
    (project / ".env").unlink()
    return machine.publish(project)

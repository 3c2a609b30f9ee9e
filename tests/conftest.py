"""Fixtures that tests of several packages share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from tidemark_sandbox.world import Sandbox

# How long an example takes says nothing on a shared machine, nor does how long the first one takes
# to make: a fresh checkout builds Hypothesis's tables of characters with it.
hypothesis.settings.register_profile(
    "shared-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("shared-machine")

#: Keep the account of docs/faults.md, let a worker that dies say where, order the files, mark the
#: tests that need no server, and make those which others do.
pytest_plugins = ["recorder", "crashes", "order", "unit", "worlds"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def seeded(sandbox: Sandbox) -> Sandbox:
    """The sandbox with a few thousand rows of settlement data, seeded once."""
    sandbox.seed(3_000, seed=7)
    return sandbox


@pytest.fixture(scope="session")
def foreign(project_root: Path) -> Callable[[str], Path]:
    """Other people's programs: makes an environment for ``name==version``, gives its ``bin``.

    Each has one of its own, kept in ``.uv/tests``: their dependencies do not go with ours.
    """
    uv = project_root / ".uv" / "bin" / "uv"

    def environment(requirement: str) -> Path:
        folder = project_root / ".uv" / "tests" / requirement
        done = folder / "installed"
        if not done.exists():
            python = folder / "bin" / "python"
            subprocess.run([uv, "venv", "--quiet", "--clear", folder], check=True)
            subprocess.run(
                [uv, "pip", "install", "--quiet", "--python", python, requirement], check=True
            )
            done.touch()
        return folder / "bin"

    return environment


@pytest.fixture(scope="session")
def product(project_root: Path) -> Path:
    """The environment that docs/operating.md installs on a host, kept in ``.uv/tests``."""
    folder = project_root / ".uv" / "tests" / "product"
    subprocess.run(
        [project_root / ".uv/bin/uv", "sync", "--locked", "--no-default-groups", "--quiet"],
        cwd=project_root,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder)},
        check=True,
    )
    return folder

"""Fixtures that tests of several packages share."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
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

#: Keep the account of docs/faults.md, let a worker that dies say where, order the files, and mark
#: the tests that need no server.
pytest_plugins = ["recorder", "crashes", "order", "unit"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox of the tests' own, empty but for users and the bucket."""
    with _running_sandbox() as world:
        yield world


@pytest.fixture(scope="session")
def own_sandbox() -> Iterator[Sandbox]:
    """Another one, for tests that break its parts, or must not share its warehouse."""
    with _running_sandbox() as world:
        yield world


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[Sandbox]:
    """One for a single module, which may stop its parts and count all that is in it."""
    with _running_sandbox() as world:
        yield world


@contextmanager
def _running_sandbox() -> Iterator[Sandbox]:
    """A run that was killed may have left one behind: it is stopped and removed first."""
    with _free_folder() as folder:
        Sandbox(folder).reset()
        world = Sandbox(folder, Sandbox.free_port_block())
        world.up()
        try:
            yield world
        finally:
            world.reset()


@contextmanager
def _free_folder() -> Iterator[Path]:
    """A folder that no other test run of this checkout is using."""
    for number in count(1):
        folder = ROOT / f".sandbox-test-{number}"
        with folder.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return


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

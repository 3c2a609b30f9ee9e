"""Fixtures that tests of several packages share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
from redshift_stand_in.postgres.backend import PostgresAddress, open_as_superuser
from redshift_stand_in.postgres.cluster import PORT
from tidemark_sandbox.settings.accounts import WAREHOUSE_DATABASE
from tidemark_sandbox.world import Sandbox

# How long an example takes says nothing on a shared machine, nor does how long the first one takes
# to make: a fresh checkout builds Hypothesis's tables of characters with it.
hypothesis.settings.register_profile(
    "shared-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("shared-machine")

#: Keep the account of docs/faults.md, spare the collector what lasts, let a worker that dies say
#: where, order the files, mark the tests that need no server, and make those which others do.
pytest_plugins = [
    "recorder", "sessions.collector", "sessions.crashes", "sessions.order", "sessions.unit",
    "sessions.worlds", "projects.nights", "projects.pages", "statements",
]  # fmt: skip

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Puts back the signals' handlers: a program that a test runs in its own process sets its."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


def checkout(root: Path, folder: Path, settings: dict[str, str]) -> Path:
    """Another copy of the project: its own files, .env, logs and system database."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.strip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name)
    (folder / ".venv").symlink_to(root / ".venv")
    private = {"MELTANO_SYS_DIR_ROOT", "LOG_DIR", "TMPDIR"}
    lines = [f"{name}={value}\n" for name, value in settings.items() if name not in private]
    (folder / ".env").touch(mode=0o600)
    (folder / ".env").write_text("".join(lines))
    return folder


@pytest.fixture(scope="session")
def make_checkout(project_root: Path) -> Callable[[Path, dict[str, str]], Path]:
    """Makes another copy of the project in a folder, with settings of its own."""
    return lambda folder, settings: checkout(project_root, folder, settings)


@pytest.fixture(scope="session")
def seeded(sandbox: Sandbox) -> Sandbox:
    """The sandbox with a few thousand rows of settlement data, seeded once."""
    sandbox.seed(3_000, seed=7)
    return sandbox


@pytest.fixture
def large_strings(sandbox: Sandbox) -> Iterator[None]:
    """A warehouse whose parameters allow strings of 16,000,000 bytes in SUPER."""
    address = PostgresAddress(sandbox.config.postgres_sockets, PORT)
    name, parameter = WAREHOUSE_DATABASE, "redshift.enable_large_strings_opt_in"
    with closing(open_as_superuser(address, name)) as postgres:
        postgres.query(f"alter database {name} set {parameter} = 'yes'")
        yield
        postgres.query(f"alter database {name} reset {parameter}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser that draws our pages."""
    program = shutil.which("chromium")
    assert program, "the Debian package chromium is missing: make setup-tests"
    return program


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
    """The environment that docs/operating.md installs on a host."""
    return _synced(project_root, "product", "--no-default-groups")


@pytest.fixture(scope="session")
def readers(project_root: Path) -> Path:
    """The ``bin`` of what others read the lake with: docs/decisions/0037."""
    return _synced(project_root, "readers", "--only-group=readers") / "bin"


def _synced(root: Path, name: str, groups: str) -> Path:
    """An environment of the lock file's versions, kept in ``.uv/tests``."""
    folder = root / ".uv" / "tests" / name
    subprocess.run(
        [root / ".uv/bin/uv", "sync", "--locked", "--quiet", groups],
        cwd=root,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder)},
        check=True,
    )
    return folder

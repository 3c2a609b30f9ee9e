"""A suite's own Python environment, and its copy of a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from measure import BenchError

from suites.suite import Suite

ROOT = Path(__file__).resolve().parents[2]
#: `make clean` removes it.
CACHE = ROOT / ".bench" / "fidelity"
_UV = ROOT / ".uv" / "bin" / "uv"
_PYPI = Path(__file__).with_name("pypi")
#: The drivers bring Amazon's authorities under this name, and take no others.
_AUTHORITIES = "redshift-ca-bundle.crt"
#: Of this process's own variables, what a suite must not see.
_HIDDEN = ("AWS_", "PYTHON", "VIRTUAL_ENV", "UV_PYTHON")


@dataclass(frozen=True)
class Environment:
    """Where a suite runs.

    Attributes:
        python: The interpreter of its environment.
        folder: Where pytest is started.
    """

    python: Path
    folder: Path

    def run(self, arguments: list[str], variables: Mapping[str, str], log: Path) -> int:
        """Runs a module of the environment, and returns its exit code."""
        with log.open("wb") as output:
            return subprocess.run(
                [self.python, "-m", *arguments],
                cwd=self.folder,
                env=_variables() | dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode

    def version(self, package: str) -> str:
        """The version of an installed package."""
        code = f"import importlib.metadata as m; print(m.version({package!r}))"
        return _output([self.python, "-c", code])


def prepare(suite: Suite, source: Path | None, authority: Path) -> Environment:
    """Copies a suite and installs what it needs.

    Args:
        suite: Which.
        source: The checkout that it is copied from; None: it lies beside this module.
        authority: The certificate that its drivers are to trust.

    Raises:
        BenchError: The checkout is not one of this suite, or uv failed.
    """
    base = CACHE / suite.name
    folder = _copied(suite, source, base / "copy") if source else _PYPI
    python = base / "venv" / "bin" / "python"
    if not python.exists():
        _checked([_UV, "venv", "--quiet", "--python", ROOT / ".uv/bin/python", base / "venv"])
    _checked([_UV, "pip", "install", "--quiet", "--python", python, *suite.requirements], folder)
    trust(base, authority)
    return Environment(python, folder / suite.folder if source else folder)


def commit(source: Path) -> str:
    """The commit that a checkout is at, or "unknown" if it has no history."""
    try:
        return _output(["git", "-C", source, "rev-parse", "--short", "HEAD"])
    except BenchError:
        return "unknown"


def _copied(suite: Suite, source: Path, folder: Path) -> Path:
    """A copy that the suite's files can be written into; the checkout stays as it is."""
    for name in suite.copied:
        if not (source / name).is_dir():
            raise BenchError(
                f"{source} has no folder {name}: give FROM= a checkout of {suite.name}"
            )
    if folder.exists():
        shutil.rmtree(folder)
    for name in suite.copied:
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns(".git"))
    return folder


def trust(folder: Path, authority: Path) -> None:
    """Adds an authority to those of the drivers, as new files: uv's cache is linked to the old."""
    for path in folder.rglob(_AUTHORITIES):
        text, own = path.read_text(), authority.read_text()
        if own not in text:
            path.unlink()
            path.write_text(f"{text.rstrip()}\n{own}")


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)} | {
        "AWS_EC2_METADATA_DISABLED": "true"
    }


def _output(command: list[str | Path]) -> str:
    return _checked(command).stdout.strip()


def _checked(
    command: list[str | Path], folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=folder, env=_variables(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done

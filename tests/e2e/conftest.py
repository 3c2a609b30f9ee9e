"""The project as its operator runs it: real commands on real servers."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tidemark_sandbox.world import Sandbox


@dataclass(frozen=True)
class Project:
    """Runs the project's commands against a sandbox.

    Attributes:
        root: The checkout.
        env: Variables of the child processes.
        env_file: An empty ``.env``, in place of the checkout's own.
    """

    root: Path
    env: dict[str, str]
    env_file: Path

    def run(
        self, program: str, *arguments: str, timeout: float = 600, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program of the environment; its output, both streams, is in ``stdout``."""
        return subprocess.run(
            [str(self.root / ".venv" / "bin" / program), *arguments],
            cwd=self.root,
            env=self.env | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def meltano(
        self, *arguments: str, timeout: float = 600, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return self.run(
            "meltano", "--env-file", str(self.env_file), *arguments, timeout=timeout, **variables
        )


@pytest.fixture(scope="module")
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    return module_sandbox


@pytest.fixture(scope="module")
def project(
    sandbox: Sandbox, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The checkout, pointed at the test sandbox."""
    folder = tmp_path_factory.mktemp("meltano")
    env_file = folder / "empty.env"
    env_file.touch(mode=0o600)
    env = {name: value for name, value in os.environ.items() if not name.startswith("MELTANO_")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env |= sandbox.env() | {
        "MELTANO_SYS_DIR_ROOT": str(folder / "sys"),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "TIDEMARK_ENV_FILE": str(env_file),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    return Project(project_root, env, env_file)

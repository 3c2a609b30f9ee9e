"""The variables of a sandbox as text, and the ``.env`` that points a checkout at its own."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from tidemark_sandbox.settings.config import project_root
from tidemark_sandbox.world import Sandbox

_MARK = "# Written by tidemark-sandbox, and written again by it while this line stands here."


class EnvFormat(StrEnum):
    """How variables are written."""

    DOTENV = "dotenv"
    EXPORT = "export"
    JSON = "json"


def render(variables: dict[str, str], form: EnvFormat) -> str:
    """Writes variables for a .env file, for a shell or for a program."""
    if form is EnvFormat.JSON:
        return json.dumps(variables, indent=2)
    if form is EnvFormat.EXPORT:
        return "\n".join(f"export {name}={shlex.quote(text)}" for name, text in variables.items())
    lines = []
    for name, text in variables.items():
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{name}="{quoted}"' if shlex.quote(text) != text else f"{name}={text}")
    return "\n".join(lines)


def point_here(here: Path, sandbox: Sandbox, environ: Mapping[str, str]) -> Path | None:
    """Writes the ``.env`` of a checkout if this is the checkout's own sandbox.

    Args:
        here: The folder that the command was started in.
        sandbox: What it points at.
        environ: May name the project.

    Returns:
        The file, if it was written.
    """
    root = project_root(here, environ)
    if root is None or sandbox.config.dir != (root / ".sandbox").resolve():
        return None
    return ensure_dotenv(root, sandbox.env())


def ensure_dotenv(root: Path, variables: dict[str, str]) -> Path | None:
    """Writes ``.env`` if there is none, or if it is one that the sandbox wrote before.

    A ``.env`` of the operator's own is never touched.

    Args:
        root: The project's folder.
        variables: What points at the sandbox.

    Returns:
        The file when it was written or changed, None when it was left alone.
    """
    path = root / ".env"
    text = f"{_MARK}\n{render(variables, EnvFormat.DOTENV)}\n"
    if path.exists():
        present = path.read_text()
        if present == text or not present.startswith(_MARK):
            return None
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    path.chmod(0o600)
    return path

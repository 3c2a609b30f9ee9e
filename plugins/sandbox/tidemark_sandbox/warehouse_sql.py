"""Runs a folder of SQL files in the warehouse, statement by statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import sqlparse

from tidemark_sandbox.errors import SandboxError


def statements(text: str) -> list[str]:
    """Splits a script into its statements, without those that are comments only."""
    return [
        statement.rstrip().removesuffix(";")
        for statement in sqlparse.split(text)
        if sqlparse.format(statement, strip_comments=True).strip().rstrip(";").strip()
    ]


def scripts(folder: Path | None) -> Sequence[Path]:
    """The SQL files of a folder in the order of their names."""
    return sorted(folder.glob("*.sql")) if folder and folder.is_dir() else []


def run_scripts(
    folder: Path | None,
    execute: Callable[[str], object],
    values: Mapping[str, str] | None = None,
) -> int:
    """Runs the files of a folder in the order of their names.

    Args:
        folder: The folder; None or a missing one has no files.
        execute: Runs one statement.
        values: Values by the word that each replaces in the files.

    Returns:
        The number of statements.

    Raises:
        SandboxError: A statement failed; names the file and shows the statement.
    """
    count = 0
    for script in scripts(folder):
        text = script.read_text(encoding="utf-8")
        for word, value in (values or {}).items():
            text = text.replace(word, value)
        for statement in statements(text):
            try:
                execute(statement)
            except Exception as error:  # the driver has many error classes
                reason = error.args[0] if error.args else error
                if isinstance(reason, dict):  # redshift_connector: the server's message fields
                    reason = reason.get("M", reason)
                raise SandboxError(
                    f"{script.name} does not run in the warehouse: {reason}\n{statement}",
                    hint=f"correct {script}, then run up again",
                ) from error
            count += 1
    return count

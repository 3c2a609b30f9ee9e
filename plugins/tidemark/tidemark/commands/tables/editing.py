"""Changes of commands to the project's files: shown, confirmed, made together, read by dbt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidemark.config.project import Project
from tidemark.terminal.console import confirm
from tidemark.terminal.format import counted

if TYPE_CHECKING:
    from tidemark.runner.parse import Parser
    from tidemark.services.tables.project_files import ProjectFiles


@contextmanager
def editing(project: Project) -> Iterator[tuple[ProjectFiles, Parser]]:
    """The project's files, and the parser that will read them: dbt starts in the background."""
    from tidemark.config.files.file_changes import FileChanges
    from tidemark.runner.parse import parser
    from tidemark.services.tables.project_files import ProjectFiles

    secret = frozenset({project.settings_file})
    changes = FileChanges(project.root, secret)
    is_set = bool(project.environ.get("LANDING_NAMES"))
    with parser(project.root, project.environ) as reader:
        yield ProjectFiles(changes, is_set, project.super_columns), reader


def make(
    files: ProjectFiles, reader: Parser, tell: Callable[[str], None], question: str, *, yes: bool
) -> bool:
    """Shows what would change, asks, and changes it.

    Returns:
        Whether there was anything to change.

    Raises:
        ConfigError: The changed project could not be read; all files are as they were.
    """
    changes = files.changes
    if not changes.paths:
        return False
    tell(changes.diff() + "\n")
    confirm(f"{question}? ({counted(len(changes.paths), 'file')})", yes=yes)
    changes.apply(reader.check)
    return True

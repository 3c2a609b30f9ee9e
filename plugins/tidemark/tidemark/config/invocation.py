"""The options before the command, which apply to any: a file of settings, a file for the log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.logs import Event, MaskedJsonFormatter, log_event

#: Writes to the log file only; people see errors in words.
logger = logging.getLogger("tidemark.cli")


@dataclass(frozen=True)
class Invocation:
    """The options before the command.

    Attributes:
        env_file: A file of settings in place of the project's ``.env``.
        log_file: Where the log goes as well, as JSON lines.
    """

    env_file: Path | None = None
    log_file: Path | None = None


_CURRENT: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


def current() -> Invocation:
    """The options of the running command; all None if none was typed."""
    return _CURRENT.get() or Invocation()


@contextmanager
def invoked(options: Invocation) -> Iterator[None]:
    """Applies options to a command, and writes its log to their file.

    Raises:
        ConfigError: The log file cannot be written.
    """
    token = _CURRENT.set(options)
    try:
        if options.log_file is None:
            yield
            return
        with open_log(options.log_file) as file, _logged(file):
            log_event(logger, Event.CLI_INITIALIZED)
            yield
    finally:
        _CURRENT.reset(token)


def open_log(path: Path) -> TextIO:
    """Opens a log to append to; only its owner can read it.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise ConfigError(
            f"the log file {path} cannot be written: {error.strerror}",
            hint="name a file in an existing folder: --log-file run.log",
        ) from error
    return os.fdopen(descriptor, "a", buffering=1, encoding="utf-8")


def log_error(error: TidemarkError) -> None:
    """Puts the error that ended a command into its log, if it has one."""
    if current().log_file is not None:
        where = {"table": error.table, "column": error.column, "key": error.key}
        known = {name: value for name, value in where.items() if value is not None}
        fields = {**known, "error_type": type(error).__name__, "next": error.hint}
        logger.error(error.message, extra=fields)


@contextmanager
def _logged(file: TextIO) -> Iterator[None]:
    """Writes this process's log into a file; warnings go to stderr still."""
    handler = logging.StreamHandler(file)
    handler.setFormatter(MaskedJsonFormatter())
    root, level = logging.getLogger(), logging.getLogger().level
    # Python's own handler of warnings is used only as long as there is no other.
    added = [handler, *([] if root.handlers or not logging.lastResort else [logging.lastResort])]
    for one in added:
        root.addHandler(one)
    logger.addHandler(handler)
    logger.propagate = False
    root.setLevel(min(level, logging.INFO))
    try:
        yield
    finally:
        root.setLevel(level)
        logger.propagate = True
        logger.removeHandler(handler)
        for one in added:
            root.removeHandler(one)

"""Table failures that a job reports at its end, so that the following legs can run.

``night:begin`` opens the account of a run, a file that only its own processes find by the run's id.
A leg in which only some tables failed writes those into it and succeeds; ``night:end`` reads it,
reports each, and fails. Without an open account, as in ``meltano run backup``, and whenever one
cannot be written, a leg fails by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.names import encode_component
from tidemark_core.run_context import run_id
from tidemark_core.runs.report import report_folder

_DAY = 86_400


@dataclass(frozen=True)
class Failure:
    """What failed in a leg that succeeded so that the following ones can run.

    Attributes:
        part: The program, such as ``tap-mysql``.
        table: ``schema.table``; None if the program itself reports what failed.
        message: Why, with the next step.
        exit_code: That of the error.
    """

    part: str
    table: str | None
    message: str
    exit_code: int = 1

    @classmethod
    def of(cls, part: str, error: TidemarkError) -> Failure:
        return cls(part, error.table, str(error), error.exit_code)


def begin(environ: Mapping[str, str] = os.environ) -> None:
    """Opens a run's account, and removes those of runs that were killed over a day ago.

    Args:
        environ: The run's variables.

    Raises:
        OSError: It cannot be written.
        ConfigError: There is no folder for it.
    """
    path = _path(environ)
    if path is None:
        raise ConfigError("MELTANO_PROJECT_ROOT is not set: this must run as part of a Meltano run")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in path.parent.glob("*.jsonl"):
        with contextlib.suppress(OSError):
            if old.stat().st_mtime < time.time() - _DAY:
                old.unlink()
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def defer(failures: Iterable[Failure]) -> bool:
    """Writes failures into this run's account.

    Returns:
        Whether they are on disk; if not, the caller must fail.
    """
    path = _path(os.environ)
    body = "".join(json.dumps(asdict(failure)) + "\n" for failure in failures).encode()
    if path is None or not body:
        return False
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
    except OSError:  # no account is open
        return False
    try:
        written = os.write(file, body)
        os.fsync(file)
    except OSError:
        return False
    finally:
        os.close(file)
    return written == len(body)


def end(environ: Mapping[str, str] = os.environ) -> list[Failure]:
    """Closes a run's account.

    Args:
        environ: The run's variables.

    Returns:
        What was written into it.

    Raises:
        ConfigError: There is none, so that what failed is unknown.
        ValueError: It is damaged.
    """
    path = _path(environ)
    if path is None or not path.exists():
        raise ConfigError(
            "this run has no record of failures",
            hint="start the job with night:begin, as in orchestrate/jobs.meltano.yml",
        )
    try:
        return [Failure(**json.loads(line)) for line in path.read_text().splitlines()]
    except TypeError as error:
        raise ValueError(f"not a failure: {error}") from error
    finally:
        path.unlink(missing_ok=True)


def exit_code(failures: Iterable[Failure]) -> int:
    """0 without any, the code that all have in common, else 1."""
    codes = {failure.exit_code for failure in failures} or {0}
    return codes.pop() if len(codes) == 1 else 1


def _path(environ: Mapping[str, str]) -> Path | None:
    folder = report_folder(environ)
    if folder is None:
        return None
    return folder / "deferred" / f"{encode_component(run_id(environ))}.jsonl"

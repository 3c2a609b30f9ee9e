"""What every plugin's command line does alike: readable errors, exit codes, quiet libraries."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import NoReturn

from tidemark_core.errors import TidemarkError

#: What a shell reports for a process that SIGTERM ended.
TERMINATED = 143
_INTERRUPTED = 130
#: They tell of every request, some of them with its headers.
_CHATTY = ("boto3", "botocore", "s3transfer", "urllib3")
_TRUE = frozenset({"1", "true", "yes", "on"})


def is_debug(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether ``DEBUG`` asks for tracebacks and debug messages."""
    return environ.get("DEBUG", "").lower() in _TRUE


def log_level(environ: Mapping[str, str] = os.environ) -> str:
    """The level that ``DEBUG`` or ``LOG_LEVEL`` asks for; INFO otherwise."""
    return "DEBUG" if is_debug(environ) else (environ.get("LOG_LEVEL") or "INFO").upper()


def run_id(environ: Mapping[str, str] = os.environ) -> str:
    """The id of this run: given by who started it, else a new one."""
    given = environ.get("TIDEMARK_RUN_ID") or environ.get("MELTANO_RUN_ID")
    return given or str(uuid.uuid4())


def run_plugin(command: Callable[[], object]) -> NoReturn:
    """Runs a plugin's command line and ends the process with the right exit code.

    An error for the operator is shown as one message on stderr; a traceback appears with DEBUG
    only.

    Args:
        command: Runs the plugin; may end by SystemExit.
    """
    # The name under which the Singer SDK looks for the level.
    os.environ.setdefault("LOGLEVEL", log_level())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    code = 0
    try:
        command()
    except TidemarkError as error:
        code = error.exit_code
        _show(str(error))
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:  # a fault of ours: still one line, and how to learn more
        code = 1
        _show(
            f"unexpected {type(error).__name__}: {error}\n  Next: set DEBUG=true for the traceback"
        )
    sys.exit(code)


def _show(text: str) -> None:
    if is_debug():
        traceback.print_exc()
    print(f"error: {text}", file=sys.stderr, flush=True)

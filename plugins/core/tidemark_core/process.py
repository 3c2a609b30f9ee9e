"""The common part of every plugin's command line: readable errors, exit codes, quiet libraries."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tidemark_core.errors import TidemarkError
from tidemark_core.host.leash import end_with
from tidemark_core.logs import sdk_config, stamp_run_id
from tidemark_core.run_context import STARTED_BY_MELTANO, is_debug, log_level, run_id
from tidemark_core.runs import deferred
from tidemark_core.text.masking import guard_stderr

#: What a shell reports for a process that SIGTERM ended.
TERMINATED = 143
_INTERRUPTED = 130
#: They log every request, some of them with its headers.
_CHATTY = ("boto3", "botocore", "s3transfer", "urllib3")
#: Counts each table's RECORD messages, of which there are none where rows are passed as files.
_METRICS = "singer_sdk.metrics"


def run_plugin(command: Callable[[], object]) -> NoReturn:
    """Runs a plugin's command line and ends the process with the right exit code.

    An error for the operator is shown as one message on stderr, behind Meltano as an event of the
    log; a traceback appears with DEBUG only.

    Args:
        command: Runs the plugin; may end by SystemExit.
    """
    end_with_meltano()
    # The name under which the Singer SDK looks for the level.
    os.environ.setdefault("LOGLEVEL", log_level())
    os.environ.setdefault("SINGER_SDK_LOG_CONFIG", sdk_config())
    guard_stderr(os.environ)
    stamp_run_id(run_id())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A filter, as Meltano's configuration would set the level again.
    logging.getLogger(_METRICS).addFilter(lambda _: is_debug())
    try:
        command()
    except TidemarkError as error:
        if _is_deferred(error):
            sys.exit(0)
        show(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - a bug of ours: shown as one message too
        hint = "set DEBUG=true for the traceback"
        unexpected = TidemarkError(f"unexpected {type(error).__name__}: {error}", hint=hint)
        unexpected.shown = getattr(error, "shown", False)
        unexpected.of_tables = getattr(error, "of_tables", ())
        if _is_deferred(unexpected):
            sys.exit(0)
        show(unexpected)
        sys.exit(unexpected.exit_code)
    sys.exit(0)


def end_with_meltano() -> None:
    """Ends this process with the Meltano that started it, if one did.

    A run started by hand may outlive the shell that started it.
    """
    if STARTED_BY_MELTANO in os.environ:
        end_with(os.getppid())


def end_by(signum: int, log: logging.Logger, note: str) -> NoReturn:
    """Ends the process with the shell's exit code for one ended by a signal: 143 for SIGTERM.

    Args:
        signum: The signal.
        log: Where it is logged.
        note: What stays as it was.
    """
    log.warning("terminated by %s; %s", signal.Signals(signum).name, note)
    sys.exit(128 + signum)


def _is_deferred(error: TidemarkError) -> bool:
    """Whether only tables failed, and the job reports them at its end."""
    part = Path(sys.argv[0]).name
    return deferred.defer(deferred.Failure.of(part, table) for table in error.of_tables)


def show(error: TidemarkError) -> None:
    """Shows an error to the operator, once: on stderr, or behind Meltano as an event of the log.

    With DEBUG the traceback of what is being handled comes first.
    """
    if error.shown:
        return
    error.shown = True
    if is_debug():
        traceback.print_exc()
    if os.environ.get("SINGER_SDK_LOG_CONFIG", sdk_config()) != sdk_config():
        where = {"table": error.table, "column": error.column, "key": error.key, "next": error.hint}
        fields = {name: value for name, value in where.items() if value is not None}
        logging.getLogger("tidemark").error(
            "%s", error, extra={"error_type": type(error).__name__, **fields}
        )
    else:
        print(f"error: {error}", file=sys.stderr, flush=True)

"""The command line of the tap."""

from __future__ import annotations

import logging

from tidemark_core.host.arrow_memory import lean_arrow
from tidemark_core.process import run_plugin
from tidemark_core.run_context import log_level
from tidemark_singer.sdk_imports import sdk_imports


def main() -> None:
    """Runs the tap and ends the process with its exit code."""
    run_plugin(_command)


def _command() -> None:
    lean_arrow()
    # Imported late: a wrong option is answered before half a second of imports is spent.
    with sdk_imports():
        from tap_mysql.singer.tap import TapMySQL

    command = TapMySQL.cli
    logging.getLogger("tap-mysql").setLevel(log_level())
    command.main()

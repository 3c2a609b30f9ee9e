"""The command line of the tap."""

from __future__ import annotations

import logging
import os

from tidemark_core.process import is_debug, log_level, run_plugin

from tap_mysql.native import divert, share_one_heap


def main() -> None:
    """Runs the tap and ends the process with its exit code."""
    share_one_heap()
    os.environ.setdefault("LOGLEVEL", log_level())
    if not is_debug():
        divert()
    run_plugin(_command)


def _command() -> None:
    # Imported late: a wrong option is answered before half a second of imports is spent.
    from tap_mysql.tap import TapMySQL

    command = TapMySQL.cli
    logging.getLogger("tap-mysql").setLevel(log_level())
    command.main()

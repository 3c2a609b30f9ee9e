"""The start of a plugin's command: ``tap-mysql`` and ``python -m tap_mysql`` alike."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from tidemark_core.forking.client import fork_instead
from tidemark_core.host.arrow_memory import lean_arrow
from tidemark_core.process import run_plugin
from tidemark_core.run_context import log_level

from tidemark_singer.sdk_imports import sdk_imports

if TYPE_CHECKING:
    from tidemark_singer.plugin import Plugin


def run(load: Callable[[], type[Plugin[Any]]], *, lean: bool = True) -> NoReturn:
    """Runs a plugin and ends the process with its exit code.

    Args:
        load: Imports the plugin, which takes half a second.
        lean: Whether it does without NumPy and most of Arrow's memory.
    """
    fork_instead(sys.argv, os.environ)

    def command() -> None:
        if lean:
            lean_arrow()
        with sdk_imports():
            plugin = load()
        logging.getLogger(plugin.name).setLevel(log_level())
        plugin.cli()

    run_plugin(command)

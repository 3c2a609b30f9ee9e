"""The run's context from the environment: its id and its log level."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping

#: Meltano sets it for every plugin that it starts.
STARTED_BY_MELTANO = "MELTANO_PARENT_CONTEXT_UUID"
_TRUE = frozenset({"1", "true", "yes", "on"})
#: In this order. The last is not Meltano's run id, which plugins get only if Meltano was given one,
#: but it is the same for all plugins that one `meltano run` starts.
_RUN_ID_VARIABLES = ("TIDEMARK_RUN_ID", "MELTANO_RUN_ID", STARTED_BY_MELTANO)
#: The id under which a run reports, if not its own: many small runs share one report.
REPORT_ID = "TIDEMARK_REPORT_ID"
_own_run_id = str(uuid.uuid4())


def is_debug(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether ``DEBUG`` asks for tracebacks and debug messages."""
    return environ.get("DEBUG", "").lower() in _TRUE


def log_level(environ: Mapping[str, str] = os.environ) -> str:
    """The level that ``DEBUG`` or ``LOG_LEVEL`` asks for; INFO otherwise, or if it is unknown."""
    asked = environ.get("LOG_LEVEL", "").upper()
    known = asked in logging.getLevelNamesMapping()
    return "DEBUG" if is_debug(environ) else asked if known else "INFO"


def run_id(environ: Mapping[str, str] = os.environ) -> str:
    """The id of this run: the one in the environment, else one of this process's own."""
    given = (environ[name] for name in _RUN_ID_VARIABLES if environ.get(name))
    return next(given, _own_run_id)


def report_id(environ: Mapping[str, str] = os.environ) -> str:
    """The id under which this run reports: its own, unless the environment has another one."""
    return environ.get(REPORT_ID) or run_id(environ)

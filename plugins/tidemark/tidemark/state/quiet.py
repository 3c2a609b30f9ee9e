"""Makes Meltano's own log report failures of known cause by that cause, without a traceback.

A plugin reports its error, in one event, before it ends. Meltano then adds how it noticed: a broken
pipe, the plugin's whole standard error once more, a state that S3 refused, each with its frames.
Anything else keeps its traceback.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

from tidemark_core.errors import TidemarkError
from tidemark_core.run_context import is_debug

#: What Meltano meets when a plugin at one end of its pipe has died.
_BROKEN_PIPE = (BrokenPipeError, ConnectionResetError)
_ENDED = "a plugin exited before the end of its input; its own error is above"
#: The plugin's own lines, which are in the log already, follow the colon.
_REPEATED = re.compile(r"(Catalog discovery failed): command \[.*", re.S)
_SEE_ABOVE = r"\1: the plugin's own error is above"


#: Meltano's loggers for the output of its plugins, and of the utility ``night``.
_PLUGINS = "meltano.plugin."
_NIGHT = f"{_PLUGINS}stderr.utilities.night"


class Quiet(logging.Filter):
    """Removes from Meltano's records what its plugins have said, and tracebacks of known errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        # structlog hands over the event as a dict, the standard library's loggers as a text.
        event = record.msg if isinstance(record.msg, dict) else None
        if record.name == _NIGHT and event is not None:
            _unfold(record, event)
        if is_debug():
            return True
        if record.name.startswith(_PLUGINS):
            # A table that a tap cannot list fails again, by name, in the run that follows.
            return not (event and event.get("type") == "discovery" and event.get("table"))
        if not record.name.startswith(("meltano", "root")):
            return True
        if (known := _known(_error(record, event))) is not None:
            _replace(record, event, known)
        _shorten(record, event)
        return True


def install() -> None:
    """Makes the log of this process quiet, once."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(each, Quiet) for each in handler.filters):
            handler.addFilter(Quiet())


def _unfold(record: logging.LogRecord, event: dict[str, Any]) -> None:
    """Turns an event that holds another one as a JSON line into that other event."""
    try:
        told = json.loads(event["event"])
        level, message, fields = told["level"], told["message"], told["extra"]
    except (ValueError, KeyError, TypeError):
        return
    event.update(fields, event=message, level=level)
    record.levelname, record.levelno = level.upper(), logging.getLevelName(level.upper())


def _error(record: logging.LogRecord, event: dict[str, Any] | None) -> BaseException | None:
    """The exception of a record, whichever of the two logging libraries it was written with."""
    given = record.exc_info or (event or {}).get("exc_info")
    if given is True:
        given = sys.exc_info()
    return given[1] if isinstance(given, tuple) else given or None


def _known(error: BaseException | None) -> BaseException | None:
    """The error of known cause behind whatever Meltano made of it; None if there is none."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, (TidemarkError, *_BROKEN_PIPE)):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _replace(record: logging.LogRecord, event: dict[str, Any] | None, error: BaseException) -> None:
    """Makes a record say what is known of its error, without a traceback."""
    text, fields = _ENDED, {}
    if isinstance(error, TidemarkError):
        text, fields = str(error), {"error_type": type(error).__name__, "next": error.hint}
    record.exc_info = record.exc_text = None
    if event is None:
        record.msg, record.args = text, ()
        vars(record).update(fields)
        return
    event.pop("exc_info", None)
    event.update(fields, event=text)


def _shorten(record: logging.LogRecord, event: dict[str, Any] | None) -> None:
    if event is None:
        if isinstance(record.msg, str):
            record.msg = _REPEATED.sub(_SEE_ABOVE, record.msg)
        return
    for name in ("event", "err"):
        if isinstance(event.get(name), str):
            event[name] = _REPEATED.sub(_SEE_ABOVE, event[name])

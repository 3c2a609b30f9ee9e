"""Structured logs: one line per event, as JSON for machines, as text for people.

The events' names are those that operators' dashboards know; docs/logging.md lists them. Every line
has the run's id, a UTC timestamp, level and logger. Behind Meltano the Singer SDK's own structured
format is used, which Meltano reads and writes out in full (its ``structured-logging`` capability).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from importlib.resources import files
from typing import Any

from tidemark_core.text.masking import SECRETS
from tidemark_core.text.printable import printable_lines

#: Attributes of a record that are not an event's fields (logging.LogRecord).
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Names that Meltano and structlog give a meaning of their own.
_TAKEN = _STANDARD | {"event", "level", "timestamp", "logger", "run_id", "exception"}


class Event(StrEnum):
    """The events that operators' dashboards count."""

    CLI_INITIALIZED = "CLI initialized successfully"
    TUNNEL_ESTABLISHED = "SSH tunnel established"
    CONNECTION_ESTABLISHED = "Connection established"
    DATABASE_CONNECTED = "Database connection established"
    TABLE_VALIDATED = "Table validation successful"
    TABLE_STARTED = "Table processing started"
    WINDOW = "Processing backup window"
    TABLE_PROGRESS = "Table progress"
    WATERMARK_UPDATED = "Watermark updated successfully"
    BACKUP_COMPLETED = "Backup operation completed"
    LOAD_COMPLETED = "Load operation completed"
    LEG_FAILED = "Leg failed"
    ROUND_COMPLETED = "Round completed"


#: The fields that each event always has; there may be more.
FIELDS: Mapping[Event, frozenset[str]] = {
    Event.CLI_INITIALIZED: frozenset(),
    Event.TUNNEL_ESTABLISHED: frozenset({"local_port"}),
    Event.CONNECTION_ESTABLISHED: frozenset(),
    Event.DATABASE_CONNECTED: frozenset({"database"}),
    Event.TABLE_VALIDATED: frozenset({"table"}),
    Event.TABLE_STARTED: frozenset({"table"}),
    Event.WINDOW: frozenset({"table", "start_time", "end_time"}),
    Event.TABLE_PROGRESS: frozenset(
        {
            "table",
            "rows",
            "rows_per_second",
            "bytes",
            "seconds",
            "start_time",
            "end_time",
            "ended",
        }
    ),
    Event.WATERMARK_UPDATED: frozenset({"table", "new_watermark"}),
    Event.BACKUP_COMPLETED: frozenset(
        {
            "strategy",
            "success",
            "duration_seconds",
            "successful_tables",
            "failed_tables",
            "records_processed",
            "data_size_mb",
            "watermark_updated",
            "user",
        }
    ),
    Event.LOAD_COMPLETED: frozenset(
        {
            "success",
            "duration_seconds",
            "successful_tables",
            "failed_tables",
            "records_processed",
            "user",
        }
    ),
    Event.LEG_FAILED: frozenset({"round", "leg", "failed"}),
    Event.ROUND_COMPLETED: frozenset(
        {"round", "tables", "seconds", "legs", "lag_seconds", "failed"}
    ),
}


def log_event(
    logger: logging.Logger, event: Event, *, level: int = logging.INFO, **fields: Any
) -> None:
    """Logs an event of the register.

    Args:
        logger: The caller's own.
        event: Which one.
        level: Level of the line.
        fields: At least those that `FIELDS` asks for; never row values, never secrets.

    Raises:
        TypeError: A field is missing, or has a name that means something else.
    """
    if missing := FIELDS[event] - fields.keys():
        raise TypeError(f"{event.name} needs {', '.join(sorted(missing))}")
    if taken := _TAKEN & fields.keys():
        raise TypeError(f"{', '.join(sorted(taken))}: not a name for a field of an event")
    logger.log(level, event.value, extra=fields)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as ``extra``."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class JsonFormatter(logging.Formatter):
    """One JSON object per line, with the keys of Meltano's own JSON log."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "timestamp": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document, default=str, ensure_ascii=False)


class MaskedJsonFormatter(JsonFormatter):
    """The same without secrets, in fields too; for a stream that masks none itself."""

    def format(self, record: logging.LogRecord) -> str:
        return SECRETS(super().format(record))


class TextFormatter(logging.Formatter):
    """One line for people: UTC time, level, the event, and its fields after it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: v for name, v in fields_of(record).items() if name != "run_id"}
        shown = " ".join(f"{name}={_plain(value)}" for name, value in fields.items())
        text = f"{_utc(record.created)} {record.levelname:7} {record.getMessage()}"
        text = printable_lines(text + (f"  {shown}" if shown else ""), indent="    ")
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def default_formatter() -> logging.Formatter:
    """Text on a terminal, JSON lines elsewhere; ``LOG_FORMAT`` (text, json) decides otherwise."""
    wanted = os.environ.get("LOG_FORMAT", "").lower()
    as_text = wanted == "text" or (wanted != "json" and sys.stderr.isatty())
    return TextFormatter() if as_text else JsonFormatter()


def stamp_run_id(run_id: str) -> None:
    """Gives every record of this process the run's id, those of libraries too."""

    def stamped(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **kwargs)
        record.run_id = run_id
        return record

    logging.setLogRecordFactory(stamped)


def configure(level: str, run_id: str) -> None:
    """Sets up a process's log on standard error."""
    stamp_run_id(run_id)
    handler = logging.StreamHandler()
    handler.setFormatter(default_formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def sdk_config() -> str:
    """Path of the configuration that gives a plugin of the Singer SDK our format.

    For SINGER_SDK_LOG_CONFIG (https://sdk.meltano.com/en/latest/implementation/logging.html), which
    Meltano sets to one of its own when it runs the plugin.
    """
    return str(files("tidemark_core") / "logging.yaml")


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return json.dumps(text) if isinstance(value, str) and (" " in text or not text) else text

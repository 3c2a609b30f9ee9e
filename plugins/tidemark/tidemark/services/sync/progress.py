"""What a person sees of a run, read from the lines that it writes."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from typing import Any, Protocol

from tidemark_core.logs import Event
from tidemark_core.runs.progress import Display, Progress
from tidemark_core.text.printable import printable, printable_lines

#: dbt's line for what it begins: "2 of 7 START sql merged_loads model public.partner_info ....".
_BUILDING = re.compile(r"\b(\d+ of \d+) START (?!hook).*?(\S+) \.{3}")
_HOOK = " START hook: "
#: Meltano's names for the parts whose lines are worth reading when something is wrong.
_OURS = ("tap-", "target-", "dbt")
#: Keys of a line that say nothing to a person, and those that are shown by themselves.
_DULL = frozenset(
    {"timestamp", "level", "event", "run_id", "name", "plugin_logger", "logger", "string_id"}
    | {"stdio", "cmd_type", "producer", "consumer", "job_name", "message_source", "success"}
    | {"_logger", "_name", "pid", "thread_name", "app_name", "type"}
)
_SERIOUS = frozenset({"warning", "error", "critical"})


class Board(Display, Protocol):
    """Where progress is shown, and what the run is at."""

    def tell(self, detail: str) -> None:
        """What it is at, in a few words."""


def watcher(board: Board) -> Callable[[str], None]:
    """A reader of a run's log (JSON lines, dbt's text) that shows how far its tables are."""

    def read(line: str) -> None:
        if building := _BUILDING.search(line):
            board.tell(f"{building[1]}: {printable(building[2])}")
        elif _HOOK in line:
            board.tell("")
        if Event.TABLE_PROGRESS.value not in line:
            return
        # A line of another program may have the words, but not the fields.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            board.show(Progress.from_fields(json.loads(line)))

    return read


def readable(line: str) -> str | None:
    """A line of a run's log, as ``--debug`` shows it; None if it is Meltano's own.

    Meltano's debug lines are ten times as many as those of the parts that move rows; the file that
    ``--log-file`` names has them all.
    """
    try:
        record = json.loads(line)
    except ValueError:
        return line.rstrip("\n") or None
    if not isinstance(record, dict):
        return None
    level, part = str(record.get("level", "")), str(record.get("name") or "")
    if level not in _SERIOUS and not part.startswith(_OURS):
        return None
    shown = [f"{name}={_value(value)}" for name, value in record.items() if name not in _DULL]
    head = f"{str(record.get('timestamp', ''))[11:19]} {level.upper():7} {part}:"
    return printable_lines(" ".join([head, str(record.get("event", "")).rstrip(), *shown]), "    ")


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)

"""What made a run fail, read from the lines that it wrote. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace

from tidemark_core import errors
from tidemark_core.text.documents import Json

#: dbt's own words for a node that failed; the line after them says why.
_DBT_FAILED = re.compile(r"(?:^|\s)((?:\w+ Error|Failure) in \S+ .+)")
#: … and for an error before it ran any node: the kind of error, then its text.
_DBT_STOPPED = "Encountered an error:"
#: The kind of the error that `night` reports at the end of a job.
TABLES_ERROR = "TablesError"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_DBT_TIME = re.compile(r"^\d\d:\d\d:\d\d\s*")
#: Begins an error of ours in tidemark-dbt's output, which Meltano takes for text or passes on.
_PLAIN = "error: "
#: … and begins its end.
_NEXT = "Next: "
#: Meltano's last words; true of every failure, so only said when nothing better is known.
_GENERAL = "Run invocation could not be completed"


@dataclass(frozen=True)
class Cause:
    """Why a run failed.

    Attributes:
        message: What the first part that failed said.
        kind: Name of the error's class; empty when it was not one of ours.
        part: The plugin that said it.
        table: The table, if one is to blame.
        next: The next command to type, if the error knew it.
        code: Its exit code, where it is not that of its kind.
    """

    message: str
    kind: str = ""
    part: str = ""
    table: str | None = None
    next: str | None = None
    code: int | None = None

    @property
    def exit_code(self) -> int:
        """The exit code that stands for this kind of error."""
        if self.code is not None:
            return self.code
        known = getattr(errors, self.kind, None) if self.kind else None
        is_ours = isinstance(known, type) and issubclass(known, errors.TidemarkError)
        return int(known.exit_code) if is_ours else 1  # type: ignore[union-attr]

    @property
    def fingerprint(self) -> str:
        """Equal for equal faults: their kind, part, table and words, without the numbers."""
        words = re.sub(r"[0-9a-f-]{36}|\d+(?:\.\d+)?", "#", self.message)
        return json.dumps([self.kind, self.part, self.table, words])

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def of_error(cls, error: errors.TidemarkError) -> Cause:
        """The cause for an error of this process."""
        return cls(str(error), type(error).__name__, "run-job", error.table, error.hint)


class CauseFinder:
    """Reads a run's log line by line and remembers what failed first."""

    def __init__(self) -> None:
        self._ours: Cause | None = None
        self._tables: Cause | None = None
        self._dbt: list[str] = []
        self._dbt_lines = 0
        self._error: Cause | None = None
        self._general: Cause | None = None
        self._last = ""

    def read(self, line: str) -> None:
        """Takes in one line as Meltano writes it, JSON or not."""
        self.take_in(record_in(line), line)

    def take_in(self, record: Json, line: str) -> None:
        """The same, of a line whose record is known."""
        text = _ANSI.sub("", str(record.get("event", line))).strip()
        if not text:
            return
        self._last = text
        part = str(record.get("name") or "")
        if record.get("error_type") == TABLES_ERROR:
            self._tables = Cause(
                text, TABLES_ERROR, part, record.get("table"), code=record.get("exit_code")
            )
        elif record.get("error_type"):
            table, hint = record.get("table"), record.get("next")
            self._take(Cause(text, str(record["error_type"]), part, table, hint))
        elif text.startswith(_PLAIN) and part in ("dbt", "") and self._ours is None:
            self._ours = Cause(text.removeprefix(_PLAIN), part=part)
        elif text.startswith(_NEXT) and self._ours and not (self._ours.kind or self._ours.next):
            self._ours = replace(self._ours, next=text.removeprefix(_NEXT))
        elif record.get("level") in ("error", "critical"):
            found = Cause(str(record.get("err") or text), part=part)
            if text.startswith(_GENERAL):
                self._general = self._general or found
            else:
                self._error = self._error or found
        self._read_dbt(text)

    def _take(self, cause: Cause) -> None:
        """Keeps the first error of ours, unless it is one table's and this one ended them all."""
        if self._ours is None or (self._ours.table and not cause.table):
            self._ours = cause

    def _read_dbt(self, text: str) -> None:
        line = _DBT_TIME.sub("", text)
        if not line:
            return
        if match := _DBT_FAILED.search(line):
            if self._dbt_lines:  # "Failure in model x", then "Database Error in model x"
                self._dbt.pop()
            self._dbt_lines = 1
            self._dbt.append(match[1])
        elif line == _DBT_STOPPED:
            self._dbt_lines = 2
            self._dbt.append("dbt could not start")
        elif self._dbt_lines:
            self._dbt_lines -= 1
            self._dbt[-1] += f": {line}"

    def cause(self, exit_code: int) -> Cause:
        """The best that is known of why the run failed.

        Args:
            exit_code: Of the run; negative: the signal that ended it.
        """
        # What its parts said when they were ended is not a cause.
        if exit_code in (-2, 130):
            return Cause("it was interrupted by Ctrl-C (SIGINT)")
        if exit_code in (-15, 143):
            return Cause("the run was terminated (SIGTERM)")
        if self._tables and (self._ours or not self._dbt):
            words = [self._tables.message, *([self._dbt_cause().message] if self._dbt else [])]
            return replace(self._tables, message="\n".join(words))
        if self._ours:
            return self._ours
        if self._dbt:
            return self._dbt_cause()
        if exit_code in (-9, 137):
            return Cause("the run was killed (SIGKILL): is this machine out of memory?")
        return (
            self._error
            or self._general
            or Cause(f"exit code {exit_code}" + (f" after: {self._last}" if self._last else ""))
        )

    def _dbt_cause(self) -> Cause:
        more = f" (and {len(self._dbt) - 1} more)" if len(self._dbt) > 1 else ""
        hint = "correct it, then run meltano run build: landing is complete"
        return Cause(self._dbt[0] + more, part="dbt", next=hint)


def record_in(line: str) -> Json:
    """The record in a line of a run's log, which Meltano writes as JSON; empty if it has none."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}

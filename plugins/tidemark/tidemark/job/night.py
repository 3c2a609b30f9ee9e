"""``tidemark-night begin`` and ``end``: the first and the last step of a job of several legs.

Between the two a failing table does not stop the others (`tidemark_core.runs.deferred`); the last
step reports all that failed, and fails if any did.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.run_context import run_id
from tidemark_core.runs import deferred
from tidemark_core.runs.deferred import Failure

from tidemark.runner.failure_cause import TABLES_ERROR

_USAGE = "usage: tidemark-night begin|end"


def main() -> None:
    """Entry point of ``tidemark-night``."""
    steps = {"begin": _begin, "end": _end}
    words = sys.argv[1:]
    if words in (["--help"], ["-h"]):
        print(_USAGE)
        return
    step = steps.get(words[0]) if len(words) == 1 else None
    if step is None:
        print(_USAGE, file=sys.stderr)
        sys.exit(2)
    sys.exit(step())


def _begin() -> int:
    try:
        deferred.begin()
    except (OSError, ConfigError) as error:
        # Still worth a run, which then ends at its first failing leg; `end` reports this.
        tell("warning", f"a failing table will stop the tables after it: {error}")
    return 0


def _end() -> int:
    try:
        failures = deferred.end()
    except (OSError, ValueError, TidemarkError) as error:
        kind, code = type(error).__name__, getattr(error, "exit_code", 1)
        tell("error", f"cannot report what failed: {error}", error_type=kind)
        return int(code)
    if not failures:
        return 0
    code = deferred.exit_code(failures)
    blamed = {failure.table for failure in failures}
    table = blamed.pop() if len(blamed) == 1 else None
    tell("error", summary(failures), error_type=TABLES_ERROR, exit_code=code, table=table)
    return code


def summary(failures: Sequence[Failure]) -> str:
    """Names each table that failed with its error, once."""
    tables = sorted({failure.table for failure in failures if failure.table})
    head = f"{len(tables)} {'table' if len(tables) == 1 else 'tables'} failed; "
    lines = [head + "the others are done:" if tables else "the last leg failed:"]
    lines += dict.fromkeys(f"{failure.part}: {failure.message}" for failure in failures)
    return "\n".join(line.replace("\n", "\n  ") for line in lines)


def tell(level: str, message: str, **fields: Any) -> None:
    """Writes an event, which `tidemark.state.quiet` takes into Meltano's log."""
    record = {"level": level, "message": message, "extra": {"run_id": run_id(), **fields}}
    print(json.dumps(record), file=sys.stderr, flush=True)

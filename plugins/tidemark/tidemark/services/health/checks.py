"""What a check finds, and how several run side by side within the time that a person waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tidemark_core.errors import TidemarkError

#: All checks together end within this many seconds, whatever a server does.
DEADLINE = 25.0


class Level(StrEnum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        part: What was looked at.
        level: How bad it is.
        message: What was found.
        hint: What to do; None: nothing.
    """

    part: str
    level: Level
    message: str
    hint: str | None = None

    @classmethod
    def of_error(cls, part: str, error: BaseException) -> Finding:
        """The finding that an error amounts to."""
        if isinstance(error, TidemarkError):
            return cls(part, Level.ERROR, error.message, error.hint)
        return cls(part, Level.ERROR, f"{type(error).__name__}: {error}", "set DEBUG=true")


Check = Callable[[], Iterable[Finding]]


def run_checks(checks: Mapping[str, Check], *, deadline: float = DEADLINE) -> list[Finding]:
    """Runs checks side by side; one that fails or hangs is a finding like any other.

    Args:
        checks: By the name of the part; the order of the result.
        deadline: Seconds for all of them.
    """
    found: dict[str, list[Finding]] = {}

    def run(part: str, check: Check) -> None:
        try:
            found[part] = list(check())
        except Exception as error:  # noqa: BLE001 - a finding; the other checks go on
            found[part] = [Finding.of_error(part, error)]

    # Daemons: a server that never answers must not keep the command from ending.
    threads = {
        part: threading.Thread(target=run, args=(part, check), daemon=True)
        for part, check in checks.items()
    }
    for thread in threads.values():
        thread.start()
    end = time.monotonic() + deadline
    for thread in threads.values():
        thread.join(max(0.0, end - time.monotonic()))
    silent = "check that it is up and reachable over the network"
    return [
        finding
        for part in checks
        for finding in found.get(
            part, [Finding(part, Level.ERROR, f"no answer within {deadline:.0f} s", silent)]
        )
    ]


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among findings."""
    order = list(Level)
    return max((f.level for f in findings), key=order.index, default=Level.OK)

"""target-redshift as a process of its own; dies or pauses at a step of the load when told."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.client
from target_redshift.cli import main
from tidemark_core.warehouse import WarehouseConnection

_OPERATIONS = {"put_object": "PutObject", "delete_objects": "DeleteObjects"}


def break_at(step: str, strike: Callable[[], None]) -> None:
    """Does something at a step of the load.

    Args:
        step: What (``execute``, ``put_object``, ``delete_objects``), a word in its statement or
            key, and ``before`` or ``after``.
        strike: What is done there.
    """
    what, word, when = step.split()
    owner: Any = WarehouseConnection if what == "execute" else botocore.client.BaseClient
    name = "execute" if what == "execute" else "_make_api_call"
    original = getattr(owner, name)

    def armed(self: Any, *arguments: Any, **named: Any) -> Any:
        if what == "execute":
            hit = arguments[0].startswith(word)
        else:
            hit = arguments[0] == _OPERATIONS[what] and word in str(arguments[1])
        if hit and when == "before":
            strike()
        answer = original(self, *arguments, **named)
        if hit and when == "after":
            strike()
        return answer

    setattr(owner, name, armed)


def die() -> None:
    """As the kernel ends a process when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def pause(path: Path) -> None:
    """Tells by a file that the step is reached, once, and goes on when the file is gone."""
    gone = path.with_suffix(".gone")
    if gone.exists():
        return
    gone.touch()
    path.touch()
    while path.exists():
        time.sleep(0.01)


if __name__ == "__main__":
    config = json.loads(os.environ["TIDEMARK_TEST_CONFIG"])
    if step := config.pop("die", None):
        break_at(step, die)
    if step := config.pop("pause", None):
        break_at(step, lambda: pause(Path(os.environ["TIDEMARK_TEST_PAUSE"])))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        sys.argv = ["target-redshift", "--config", file.name]
        main()

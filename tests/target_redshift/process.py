"""target-redshift as a process of its own; dies at a step when told, as kill -9 does."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from typing import Any

import botocore.client
from target_redshift.cli import main
from tidemark_core.warehouse import WarehouseConnection

_OPERATIONS = {"put_object": "PutObject", "delete_objects": "DeleteObjects"}


def die_at(step: str) -> None:
    """Arms the process.

    Args:
        step: What (``execute``, ``put_object``, ``delete_objects``), a word in its statement or
            key, and ``before`` or ``after``.
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
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(self, *arguments, **named)
        if hit:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, armed)


if __name__ == "__main__":
    config = json.loads(os.environ["TIDEMARK_TEST_CONFIG"])
    if step := config.pop("die", None):
        die_at(step)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        sys.argv = ["target-redshift", "--config", file.name]
        main()

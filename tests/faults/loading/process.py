"""target-redshift as a process of its own; dies or pauses at a step of the load when told."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from target_redshift.__main__ import main

from loading.breaks import break_at, die, pause


def load() -> None:
    """Runs target-redshift by the variables that a test has set."""
    config = json.loads(os.environ["TIDEMARK_TEST_CONFIG"])
    if step := config.pop("die", None):
        break_at(step, die)
    if step := config.pop("pause", None):
        break_at(step, lambda: pause(Path(os.environ["TIDEMARK_TEST_PAUSE"])))
    # A file in memory: whatever way this process dies, none is left behind.
    with os.fdopen(os.memfd_create("config.json"), "w") as file:
        json.dump(config, file)
        file.flush()
        sys.argv = ["target-redshift", "--config", f"/proc/self/fd/{file.fileno()}"]
        main()


if __name__ == "__main__":
    load()

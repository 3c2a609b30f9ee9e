"""Steps of the load at which a test stops a loader: from within its process."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.client
from tidemark.config.files.meltano_files import files
from tidemark_core.redshift.connection import WarehouseConnection

#: What is sent, a word in its statement or key, and whether the stop comes before or after it.
BOUNDARIES = [
    *("put_object part- before", "put_object part- after", "put_object copy.manifest after"),
    *("execute LOCK after", "execute COPY before", "execute COPY after"),
    *("execute INSERT after", "execute COMMIT before", "execute COMMIT after"),
    "delete_objects staging before",
]
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
    path.touch()
    gone.touch()  # the second: whoever sees it and no other file knows that the pause is over
    while path.exists():
        time.sleep(0.01)


def pausing_project(root: Path, folder: Path) -> Path:
    """Makes a project that is another's but for its loader and tap, which pause when told.

    The loader pauses at the step that TIDEMARK_TEST_STEP names, until the file that
    TIDEMARK_TEST_PAUSE names, and that tells that it has come there, is gone. The tap does not end
    before that.
    """
    programs = {"target-redshift": paused_loader, "tap-s3-parquet": held_tap}
    (folder / ".venv" / "bin").mkdir(parents=True)
    for path in files(root):
        copy = folder / path.relative_to(root)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    for path in (root / ".venv" / "bin").iterdir():
        if path.name not in programs:
            (folder / ".venv" / "bin" / path.name).symlink_to(path)
    for name, function in programs.items():
        program = folder / ".venv" / "bin" / name
        program.write_text(
            f"#!{sys.executable}\n"
            f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
            f"from loading.breaks import {function.__name__}\n{function.__name__}()\n"
        )
        program.chmod(0o755)
    return folder


def paused_loader() -> None:
    """target-redshift, as `pausing_project` has it."""
    from target_redshift.__main__ import main

    if step := os.environ.get("TIDEMARK_TEST_STEP"):
        break_at(step, lambda: pause(Path(os.environ["TIDEMARK_TEST_PAUSE"])))
    main()


def held_tap() -> None:
    """tap-s3-parquet, as `pausing_project` has it."""
    from tap_s3_parquet.__main__ import main

    if "TIDEMARK_TEST_STEP" in os.environ and "--discover" not in sys.argv:
        atexit.register(wait_for_the_loader)
    main()


def wait_for_the_loader() -> None:
    """Returns when the pause that TIDEMARK_TEST_PAUSE names has been and is over."""
    path = Path(os.environ["TIDEMARK_TEST_PAUSE"])
    while not path.with_suffix(".gone").exists() or path.exists():
        time.sleep(0.01)

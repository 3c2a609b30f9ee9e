"""A pytest plugin that lets a worker of xdist that dies say where: in Python and in native code.

A worker writes the tracebacks of all its threads to a file of its own and leaves a core. When it is
gone, the session prints that file and what gdb, where it is installed, reads from the core: the
stacks of all threads. Both are kept in ``.crashes/`` of the checkout, the core is not.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_FOLDER = "crashes_folder"
_PATTERN = Path("/proc/sys/kernel/core_pattern")
#: A stack that is deeper than this repeats itself.
_FRAMES, _LINES = 60, 600


@pytest.hookimpl(trylast=True)  # after pytest's own, whose traceback would go to a stream
def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        path = Path(worker[_FOLDER], f"{worker['workerid']}.txt")
        faulthandler.enable(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    else:
        config.pluginmanager.register(Crashes(config), "crashes-of-this-run")


class Crashes:
    """In the session that the workers belong to."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.time()
        self._folder = config.rootpath / ".crashes" / f"{time.strftime('%H%M%S')}-{os.getpid()}"
        self._reports: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        node.workerinput[_FOLDER] = str(self._folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController, error: object | None) -> None:
        file = self._folder / f"{node.gateway.id}.txt"
        python = file.read_text(errors="replace") if file.exists() else ""
        if not python and error is None:
            file.unlink(missing_ok=True)
            return
        native = native_stacks(new_core(self._config.rootpath, self._began))
        report = f"{node.gateway.id} died: {error}\n\n{python}\n{native}\n"
        file.write_text(report)
        self._reports.append(f"{report}\nkept in {file}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for report in self._reports:
            terminalreporter.section("a worker died", red=True)
            terminalreporter.write_line(report)

    def pytest_sessionfinish(self) -> None:
        if not self._reports:
            shutil.rmtree(self._folder, ignore_errors=True)


def new_core(folder: Path, since: float) -> Path | None:
    """The newest core in a folder that was written after a moment."""
    found = [
        (path.stat().st_mtime, path)
        for pattern in ("core", "core.[0-9]*")
        for path in folder.glob(pattern)
        if path.is_file()
    ]
    return max((pair for pair in found if pair[0] >= since), default=(0, None))[1]


def native_stacks(core: Path | None) -> str:
    """What gdb reads from a core, which is then removed; or why there is nothing to read."""
    if core is None:
        return f"no core was left here; the kernel puts it to: {_PATTERN.read_text().strip()}"
    gdb = shutil.which("gdb")
    if gdb is None:
        return f"{core} is kept: apt-get install gdb, then gdb {sys.executable} {core}"
    done = subprocess.run(
        [
            gdb, "-batch", "-nx", "-ex", "set print thread-events off", "-ex", "info threads",
            "-ex", f"thread apply all backtrace {_FRAMES}", "-ex", "info sharedlibrary",
            os.path.realpath(sys.executable), str(core),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )  # fmt: skip
    core.unlink()
    return "\n".join(done.stdout.splitlines()[:_LINES]) or done.stderr

"""Runs of the project from several checkouts at once, one after the other in each of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from processes.proctree import command_line
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.world import Sandbox

#: A run that takes longer is stuck.
PATIENCE = 600.0
#: So long after its end nothing of a run may be left.
ORPHANS_PATIENCE = 60.0
_LIVES_ON = frozenset("RSDTt")
_SESSION = 3
#: What an operator, cron and an engineer do, and how often.
JOBS = {"run-job sync": 4, "tidemark sync": 1, "meltano run load": 1, "meltano run build": 1}
LEGS = {"run-job sync": 3, "meltano run backup": 1, "meltano run load": 1, "meltano run build": 1}
BUILDS = {"tidemark-dbt build-new": 2, "tidemark-dbt build": 1, "dbt build": 3}


@dataclass
class Checkout:
    """A copy of the project, and the variables that its commands are run with."""

    root: Path
    env: Mapping[str, str]

    def command(self, kind: str) -> list[str]:
        program, *words = kind.split()
        if program == "run-job":
            return [str(self.root / "orchestrate/cron/run-job"), *words]
        if program == "meltano":
            words.insert(1, "--force")  # a killed Meltano leaves a guard behind; leases do better
        if words[0] == "build":
            words += ["--exclude-resource-type", "unit_test"]
        return [str(self.root / ".venv/bin" / program), *words]


@dataclass
class Runs:
    """Starts runs in threads, and keeps the account of them.

    Attributes:
        sandbox: Where they run.
        folder: For their output.
        ended: By kind, how often it ended with which exit code.
        hands: Where a hand was needed: what was stuck, and had to be killed.
    """

    sandbox: Sandbox
    folder: Path
    ended: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    hands: list[str] = field(default_factory=list)
    _running: set[int] = field(default_factory=set)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def repeat(
        self,
        checkout: Checkout,
        kinds: Mapping[str, int],
        chance: random.Random,
        goes_on: Callable[[], bool],
    ) -> threading.Thread:
        """Runs one after the other, of random kinds, at least one of them."""

        def work() -> None:
            while True:
                kind = chance.choices([*kinds], [*kinds.values()])[0]
                self.run(checkout, kind)
                if not goes_on():
                    return
                time.sleep(chance.uniform(0, 2))

        thread = threading.Thread(target=work, name=str(checkout.root))
        thread.start()
        return thread

    def run(self, checkout: Checkout, kind: str) -> int:
        """Runs a command to its end, in a session of its own; gives its exit code."""
        with self._lock:
            self._number += 1
            log = self.folder / f"{self._number:04d} {kind}.log"
        in_transform = "dbt" in kind.split()[0]
        with ExitStack() as stack:
            env = {**checkout.env}
            if kind.startswith("dbt "):  # which knows no bastion
                tunnel = open_tunnel(self.sandbox.config, self.sandbox.config.warehouse_socket)
                port = stack.enter_context(tunnel).port
                env |= {"REDSHIFT_HOST": "127.0.0.1", "REDSHIFT_PORT": str(port)}
                env |= {"SSL_CERT_FILE": env["REDSHIFT_SSL_ROOT_CERT"]}
            output = stack.enter_context(log.open("w"))
            process = subprocess.Popen(
                checkout.command(kind),
                cwd=checkout.root / "transform" if in_transform else checkout.root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process.pid)
            try:
                code = self._wait(process, kind)
            finally:
                self._running.discard(process.pid)
        self.ended[kind][code] += 1
        return code

    def _wait(self, process: subprocess.Popen[bytes], kind: str) -> int:
        try:
            process.wait(PATIENCE)
            self._expect_no_orphans(process.pid, kind)
        except subprocess.TimeoutExpired:
            self.hands.append(f"{kind} was stuck for {PATIENCE:.0f} s")
        for pid in session(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return process.wait()

    def _expect_no_orphans(self, leader: int, kind: str) -> None:
        deadline = time.monotonic() + ORPHANS_PATIENCE
        while left := session(leader):
            if time.monotonic() > deadline:
                self.hands.append(f"{kind} left {[command_line(pid)[:3] for pid in left]}")
                return
            time.sleep(0.1)

    def processes(self) -> list[int]:
        """Everything that runs now."""
        return [pid for leader in tuple(self._running) for pid in session(leader)]


def session(leader: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[_SESSION]) == leader and fields[0] in _LIVES_ON:
                found.append(int(path.parent.name))
    return found

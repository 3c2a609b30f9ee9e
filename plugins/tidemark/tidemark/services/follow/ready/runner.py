"""Runs a follower's commands in forks of processes that have imported them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tidemark_core.forking.client import FORK_SERVER, Forked
from tidemark_core.host.hand_on import handed_on

from tidemark.services.follow.ready.process import Process


class Ready:
    """Runs commands as `tidemark.runner.meltano.run` does, in forks of long-lived processes.

    These are started by `begin`, or with the first command, and again after one was killed.
    """

    def __init__(self) -> None:
        self.meltano = Process("tidemark.services.follow.ready.meltano")
        self.plugins = Process("tidemark.services.follow.ready.plugins")
        self.dbt = Process("tidemark.services.follow.ready.dbt")
        self._all = (self.meltano, self.plugins, self.dbt)

    def begin(self, root: Path, environ: Mapping[str, str]) -> None:
        """Starts what is not running; it imports while others work.

        dbt, which the first leg does not need, is not imported before what that leg needs.

        Args:
            root: The project's folder.
            environ: Variables; each command has its own.
        """
        self.meltano.begin(root, environ)
        self.plugins.begin(root, environ)
        if self._has_begun_dbt or (self.meltano.has_imported and self.plugins.has_imported):
            self.dbt.begin(root, environ)

    @property
    def _has_begun_dbt(self) -> bool:
        return self.dbt.process is not None

    def end(self) -> None:
        """Ends the processes; commands that they run end with them."""
        for process in self._all:
            process.end()

    def run(
        self,
        command: Sequence[str],
        root: Path,
        environ: Mapping[str, str],
        read: Callable[[str], None],
    ) -> int:
        """Runs a command to its end, as `tidemark.runner.meltano.run` does.

        Args:
            command: Its words; the first one's file name says which program it is.
            root: Where it runs.
            environ: Its variables.
            read: Is given each line that it writes, on either stream.

        Returns:
            Its exit code, negative for the signal that ended it.
        """
        self.begin(root, environ)
        asked = self.dbt if Path(command[0]).name == "tidemark-dbt" else self.meltano
        asked.begin(root, environ)
        theirs, ours = os.pipe()
        with (
            open(theirs, encoding="utf-8", errors="replace") as output,  # noqa: PTH123 - a pipe
            Path(os.devnull).open("rb") as nothing,
        ):
            try:
                own = {**environ, FORK_SERVER: self.plugins.path}
                streams = (nothing.fileno(), ours, ours)
                forked = Forked(asked.path, command, root, own, streams)
            except OSError:  # it was killed just now
                return -signal.SIGKILL
            finally:
                os.close(ours)
            with handed_on(forked.signal) as handed:
                for line in output:
                    read(line)
                    if not self._has_begun_dbt:
                        self.begin(root, environ)
                code = forked.wait()
        return -handed[0] if handed and code else code

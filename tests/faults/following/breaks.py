"""Everything that a follower stands on is killed, frozen or started again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from chaos.breaks import Breaker
from tidemark_sandbox.world import Sandbox

from following.keeper import Keeper
from following.replica import Sources
from following.tables import Chance

#: How often what is struck.
_KINDS = {"part": 6, "follower": 2, "S3": 1, "MySQL": 1}


class Strikes:
    """Strikes one thing after the other.

    Args:
        world: Its parts.
        keeper: The follower's.
        sources: The server that is MySQL now.
        chance: Decides.
    """

    def __init__(self, world: Sandbox, keeper: Keeper, sources: Sources, chance: Chance) -> None:
        self._world, self._keeper, self._sources, self._chance = world, keeper, sources, chance
        self.breaker = Breaker(world, keeper, chance)

    def strike(self) -> None:
        """One of all kinds; a server is started again at once."""
        (kind,) = self._chance.choices([*_KINDS], [*_KINDS.values()])
        if kind == "part":
            self.breaker.strike()
            return
        self.breaker.kills[kind] += 1
        if kind == "follower":
            with suppress(ProcessLookupError):
                number = self._chance.choice([signal.SIGKILL, signal.SIGTERM])
                os.kill(self._keeper.one.process.pid, number)
        elif kind == "S3":
            self._world.kill("s3")
            self._world.s3.start()
        else:
            self._sources.restart()

"""The tables of `bad_tables.kinds` in MySQL, beside the good ones of settlement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tidemark_sandbox.world import Sandbox

from bad_tables.kinds import ALL_BAD, BadTable

if TYPE_CHECKING:
    from projects.nights import Night

GOOD = (
    "billing_summary",
    "delivery_status",
    "partner_info",
    "settlement_claim_detail",
    "settlement_normal_delivery_detail",
    "settlement_return_detail",
)


class BadTables:
    """Makes them, spoils them, mends them, removes them."""

    def __init__(self, world: Sandbox, night: Night) -> None:
        self._world = world
        self._night = night

    def make(self) -> None:
        """Makes them, good, and lets the night select them."""
        for bad in ALL_BAD:
            if bad.source.columns:
                self._say(bad, bad.source.create)
        self._select(bad for bad in ALL_BAD if bad.source.columns)

    def spoil(self) -> None:
        for bad in ALL_BAD:
            self._say(bad, bad.source.spoil)
        self._forge()
        self._select(ALL_BAD)

    def mend(self) -> None:
        """Does what an operator does: rows, columns and tables first, then what the lake has."""
        self._select(bad for bad in ALL_BAD if bad.source.columns)
        for bad in ALL_BAD:
            self._say(bad, bad.source.mend)
            if bad.source.rebuild:
                done = self._night.tidemark("rebuild", f"settlement.{bad.name}", "--yes")
                assert done.returncode == 0, done.stdout
            if bad.leg == "lake" or not bad.source.columns:
                self._remove_manifests(bad, forged=bool(bad.source.columns))

    def drop(self) -> None:
        """Removes all that is theirs."""
        self._night.settings.pop("TAP_MYSQL__SELECT", None)
        for bad in ALL_BAD:
            self._world.mysql(f"DROP TABLE IF EXISTS {bad.name}")
            self._remove_manifests(bad)

    def _say(self, bad: BadTable, statements: tuple[str, ...]) -> None:
        for statement in statements:
            self._world.mysql(statement.format(bad.name))

    def _select(self, tables: Any) -> None:
        names = [*GOOD, *(bad.name for bad in tables)]
        rules = [f"settlement-{name}.*" for name in names]
        self._night.settings["TAP_MYSQL__SELECT"] = json.dumps(rules)

    def _forge(self) -> None:
        """A manifest, newer than all others, that is a copy of another table's."""
        (bad,) = (bad for bad in ALL_BAD if bad.leg == "lake")
        copied = max(self._night.objects("manifests/settlement.partner_info/"))
        name = copied.rpartition("/")[2]
        forged = f"manifests/settlement.{bad.name}/9{name[1:]}"
        self._night.put(forged, self._night.body(copied))

    def _remove_manifests(self, bad: BadTable, *, forged: bool = False) -> None:
        for key in self._night.objects(f"manifests/settlement.{bad.name}/"):
            if not forged or key.rpartition("/")[2].startswith("9"):
                self._night.remove(key)


def error_events(log: list[dict[str, Any]]) -> dict[str, list[str]]:
    """By table, the errors that a run's log has of it."""
    found: dict[str, list[str]] = {}
    for line in log:
        if line.get("level") == "error" and isinstance(line.get("table"), str):
            found.setdefault(line["table"], []).append(line["event"])
    return found

"""Tables of which each is bad in a way of its own, and what is done to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from conftest import Night

_COLUMNS = "id INT PRIMARY KEY, v VARCHAR(40), update_at DATETIME, KEY (update_at)"
_ROW = "(1, 'one', '2025-08-03 04:05:06')"


@dataclass(frozen=True)
class Kind:
    """A way in which a table can be bad.

    Attributes:
        table: Its name; the first letter puts it between good ones.
        words: What its error says.
        spoil: SQL for MySQL that makes it bad; ``{}`` is the table.
        mend: SQL that makes it good again.
        more: What else is done to the lake, True: spoil, False: mend.
    """

    table: str
    words: str
    spoil: str = ""
    mend: str = ""
    more: Callable[[Night, Kind, bool], None] | None = None

    @property
    def name(self) -> str:
        return f"settlement.{self.table}"


def _forge(night: Night, kind: Kind, bad: bool) -> None:
    """A manifest, newer than all others, that is a copy of one with a file of another table."""
    (*_, newest) = sorted(night.objects(f"manifests/{kind.name}/"))
    name = newest.rpartition("/")[2]
    forged = newest.replace(name, f"9{name[1:]}")
    if not bad:
        for key in night.objects(f"manifests/{kind.name}/"):
            if key.rpartition("/")[2].startswith("9"):
                night.remove(key)
        return
    document = json.loads(night.body(newest))
    for file in document["files"]:
        file["key"] = file["key"].replace(kind.table, "partner_info")
    night.put(forged, json.dumps(document).encode())


KINDS = (
    Kind(
        "a_null_key",
        "no replication key",
        "INSERT INTO {} VALUES (2, 'two', NULL)",
        "DELETE FROM {} WHERE id = 2",
    ),
    Kind(
        "c_key_is_gone",
        "update_at",
        "ALTER TABLE {} DROP COLUMN update_at",
        "ALTER TABLE {} ADD COLUMN update_at DATETIME, ADD KEY (update_at)",
    ),
    Kind("q_forged", "says that it is", more=_forge),
)


class BadTables:
    """The tables of `KINDS` in a sandbox's MySQL, beside the good ones of settlement."""

    def __init__(self, world: Sandbox, night: Night) -> None:
        self._world = world
        self._night = night

    def make(self) -> None:
        """Makes them, good, and lets the night select them."""
        for kind in KINDS:
            self._world.mysql(f"CREATE TABLE {kind.table} ({_COLUMNS})")
            self._world.mysql(f"INSERT INTO {kind.table} VALUES {_ROW}")
        rules = ["settlement-settlement_*.*", "settlement-partner_info.*"]
        rules += ["settlement-billing_summary.*", "settlement-delivery_status.*"]
        rules += [f"settlement-{kind.table}.*" for kind in KINDS]
        self._night.settings["TAP_MYSQL__SELECT"] = json.dumps(rules)

    def spoil(self) -> None:
        self._each(bad=True)

    def mend(self) -> None:
        self._each(bad=False)

    def _each(self, *, bad: bool) -> None:
        for kind in KINDS:
            for statement in (kind.spoil if bad else kind.mend).split(";"):
                if statement:
                    self._world.mysql(statement.format(kind.table))
            if kind.more:
                kind.more(self._night, kind, bad)

    def drop(self) -> None:
        """Removes all that is theirs."""
        self._night.settings.pop("TAP_MYSQL__SELECT", None)
        for kind in KINDS:
            self._world.mysql(f"DROP TABLE IF EXISTS {kind.table}")
            for key in self._night.objects(f"manifests/{kind.name}/"):
                self._night.remove(key)


def error_events(log: list[dict[str, Any]]) -> dict[str, list[str]]:
    """By table, the errors that a run's log has of it."""
    found: dict[str, list[str]] = {}
    for line in log:
        if line.get("level") == "error" and isinstance(line.get("table"), str):
            found.setdefault(line["table"], []).append(line["event"])
    return found

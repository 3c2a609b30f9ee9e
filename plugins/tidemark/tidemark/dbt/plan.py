"""What a nightly build has to do: nothing, what is new, or everything. Pure.

A load counts as done when a successful build has built and TESTED it. So only successes are
recorded, and whatever failed, was killed, or was built without its tests is done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tidemark_core.names import LANDING_SCHEMA, LEDGER_TABLE
from tidemark_core.text.documents import Json

_WITH_RELATION = frozenset({"model", "seed", "snapshot"})
#: Arguments with which ``dbt build`` still builds every model and runs every test of the data.
_STILL_WHOLE = frozenset({"--exclude-resource-type", "unit_test", "--full-refresh", "-f"})


class Kind(StrEnum):
    """How much is to be built."""

    NOTHING = "nothing"
    NEW = "new"
    WHOLE = "whole"


@dataclass(frozen=True)
class Shape:
    """What the project makes, as dbt itself worked it out in a whole build.

    Attributes:
        relations: ``schema.name`` of every table and view, in lower case.
        sources: Landing tables that something is made of.
        merged: Those whose public table remembers its loads (``<table>__loads``).
    """

    relations: frozenset[str]
    sources: frozenset[str]
    merged: frozenset[str]

    @classmethod
    def of_manifest(cls, manifest: Json) -> Shape:
        """Reads dbt's manifest.json."""
        nodes = [
            node
            for node in manifest["nodes"].values()
            if node["resource_type"] in _WITH_RELATION
            and node["config"]["materialized"] != "ephemeral"
        ]
        read = {parent for node in nodes for parent in node["depends_on"].get("nodes", ())}
        sources = {
            source["identifier"].lower()
            for key, source in manifest["sources"].items()
            if key in read and source["schema"] == LANDING_SCHEMA
        }
        merged = {n["name"] for n in nodes if n["config"]["materialized"] == "merged_loads"}
        return cls(
            frozenset(f"{n['schema']}.{n['alias']}".lower() for n in nodes),
            frozenset(sources - {LEDGER_TABLE}),
            frozenset(merged),
        )

    @classmethod
    def from_json(cls, text: str) -> Shape:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            document = json.loads(text)
            return cls(*(frozenset(map(str, document[name])) for name in _SHAPE))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a valid dbt project: {error}") from error

    def to_json(self) -> str:
        return json.dumps({name: sorted(getattr(self, name)) for name in _SHAPE})


_SHAPE = ("relations", "sources", "merged")


@dataclass(frozen=True)
class WholeBuild:
    """The last whole build that ended well.

    Attributes:
        age: How long ago, by the warehouse's clock.
        fingerprint: Of the project that was built.
        shape: What it made.
    """

    age: timedelta
    fingerprint: str
    shape: Shape


#: Load ids by landing table.
Loads = Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class Plan:
    """What is to be built, and why.

    Attributes:
        kind: How much.
        reason: For people.
        tables: Landing tables with new loads, if only those are built.
    """

    kind: Kind
    reason: str
    tables: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The words for dbt. Unit tests try the code and not the data: they are left out."""
        words = ["build", "--exclude-resource-type", "unit_test"]
        if self.kind is Kind.NEW:
            # Views all exist and show new rows by themselves; their tests (tag:views) check their
            # code, which has not changed. With `empty`, tests that also read a table are kept.
            # Tests of all of landing (tag:landing) depend on none of its tables.
            words += ["--indirect-selection", "empty"]
            words += ["--exclude", "config.materialized:view", "tag:views"]
            words += ["--select", *(f"source:{LANDING_SCHEMA}.{table}+" for table in self.tables)]
            words += ["tag:landing"]
        return words


def decide(
    last: WholeBuild | None,
    fingerprint: str,
    relations: Iterable[str],
    waiting: Loads,
    max_age: timedelta,
) -> Plan:
    """Decides what a nightly build does.

    Args:
        last: The last whole build that ended well.
        fingerprint: Of the project as it is now.
        relations: ``schema.name`` of what is in the warehouse.
        waiting: Loads that no successful build has built and tested.
        max_age: Age of the last whole build from which everything is built again.
    """
    if last is None:
        return Plan(Kind.WHOLE, "no full build has succeeded yet")
    if last.fingerprint != fingerprint:
        return Plan(Kind.WHOLE, "the project has changed since the last full build")
    if missing := sorted(last.shape.relations - set(relations)):
        return Plan(Kind.WHOLE, f"{missing[0]} is missing from the warehouse")
    if last.age >= max_age:
        hours = int(last.age.total_seconds() // 3600)
        return Plan(Kind.WHOLE, f"the last full build is {hours} hours old")
    tables = tuple(sorted(last.shape.sources & waiting.keys()))
    if tables:
        told = ", ".join(f"{table} ({len(waiting[table])})" for table in tables)
        return Plan(Kind.NEW, f"loads not built and tested yet: {told}", tables)
    return Plan(Kind.NOTHING, "all loads are built and tested, and the project has not changed")


def is_whole_build(words: Iterable[str]) -> bool:
    """Whether a dbt command builds and tests all of the project."""
    first, *rest = [*words, ""]
    return first == "build" and set(rest) <= _STILL_WHOLE | {""}


def fingerprint(files: Mapping[str, bytes], facts: Mapping[str, str]) -> str:
    """A hash of all that decides what a build makes.

    Args:
        files: The project's files by their path in it.
        facts: Versions and variables by name.
    """
    digest = hashlib.sha256()
    for kind, entries in (("file", files), ("fact", {k: v.encode() for k, v in facts.items()})):
        for name in sorted(entries):
            # Lengths keep neighbours apart: no two projects write the same bytes.
            for part in (kind.encode(), name.encode(), entries[name]):
                digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()

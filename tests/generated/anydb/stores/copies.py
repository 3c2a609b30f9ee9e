"""The three copies of one table, each held against all that its server has said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from anydb.generate.model import Table
from anydb.stores.compare import (
    KEY_WENT_BACK,
    Expected,
    Findings,
    compare,
    identity,
    in_lake,
    landed,
    moved,
    spelled_rows,
    versions,
)
from anydb.stores.lake import ABSENT, Commit
from anydb.stores.source import Snapshot, Value

#: How often values were changed, by column and reason.
Counts = dict[tuple[str, str], int]
#: Rows of the warehouse by column, as text.
Texts = list[dict[str, str | None]]


@dataclass
class Copies:
    """A table and what its server had before each run.

    Attributes:
        table: The table.
        snapshots: One for each run, oldest first.
    """

    table: Table
    snapshots: list[Snapshot] = field(default_factory=list)

    @property
    def now(self) -> Snapshot:
        return self.snapshots[-1]

    @property
    def _late(self) -> set[str]:
        """Columns that came later."""
        return self.now.columns.keys() - self.snapshots[0].columns.keys()

    @property
    def _newest_only(self) -> bool:
        """Whether a run replaces what earlier ones brought: nothing tells versions apart."""
        return self.table.replication_key is None and not self.now.key and bool(self.now.rows)

    def _seen(self, expected: Expected) -> set[tuple[Any, ...]]:
        """Rows that the server has had, as the copy has them."""
        return {
            identity(snapshot, {n: expected(snapshot.columns[n], v) for n, v in row.items()})
            for snapshot in self.snapshots
            for row in snapshot.rows
        }

    def _compare(
        self, wanted: Snapshot, copies: Sequence[dict[str, Any]], expected: Expected
    ) -> Findings:
        whole = self.table.replication_key is None
        return compare(wanted, copies, self._seen(expected), expected, whole=whole)

    def _resolved(self, commits: Sequence[Commit]) -> Snapshot:
        """The table where versions are told apart by replication key (docs/faults.md, 10).

        Of a row whose replication key went backwards such a copy keeps the older version. Which
        versions were read is the lake's to say: a run may have been refused.
        """
        growing = self.table.replication_key
        if growing is None or not self.now.key:
            return self.now
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self._versions(commits):
            other = found.setdefault(tuple(row[name] for name in self.now.key), row)
            if _mark(row[growing]) >= _mark(other[growing]):
                found[tuple(row[name] for name in self.now.key)] = row
        rows = [_over(row, found.get(identity(self.now, row), {})) for row in self.now.rows]
        return replace(self.now, rows=rows)

    def _versions(self, commits: Sequence[Commit]) -> list[dict[str, Any]]:
        return versions(self.now, commits, self._late)

    def lake(self, commits: Sequence[Commit], counted: Sequence[Counts]) -> Findings:
        """Holds the lake's newest versions against the server, and what was counted.

        Args:
            commits: The lake's.
            counted: How often a value was changed, as each of those says who count it.
        """
        found = commits
        if self._newest_only:
            found = [c for c in commits if c.extracted == commits[-1].extracted]
        findings = self._compare(self.now, self._versions(found), in_lake)
        wanted = self.now.reasons()
        if len(self.snapshots) == 1 and any(told != wanted for told in counted):
            findings.say(f"counted {counted} in place of {wanted}")
        return findings

    def landing(
        self,
        rows: Texts,
        commits: Sequence[Commit],
        expected: Expected,
        *,
        upsert: bool,
        copied: bool,
    ) -> Findings:
        """Holds landing's newest versions against the server, and all of them against the lake.

        Args:
            rows: Landing's.
            commits: The lake's.
            expected: What landing must hold of a value.
            upsert: Whether it has the newest versions only.
            copied: Whether each copy takes the place of the one before.
        """
        if copied:
            return self._newest_copy(rows, expected)
        found, newest = rows, max((row["_sdc_extracted_at"] or "" for row in rows), default="")
        if self._newest_only:
            found = [row for row in rows if row["_sdc_extracted_at"] == newest]
        wanted = self._resolved(commits) if upsert else self.now
        findings = self._compare(wanted, landed(self.now, found, self._late), expected)
        if not upsert:
            every = landed(self.now, rows, self._late)
            findings.wrong += moved(self.now, self._versions(commits), every, expected)
        return findings

    def public(self, rows: Texts, commits: Sequence[Commit], expected: Expected) -> Findings:
        """Holds the public table against the server: a row a key, or every version without one."""
        if self.table.replication_key is None:
            return self._newest_copy(rows, expected)
        found, key = spelled_rows(self.now, rows, self._late), self.now.key
        findings = self._compare(self._resolved(commits), found, expected)
        if not key:
            findings.wrong += moved(self.now, self._versions(commits), found, expected)
        elif len({tuple(row[name] for name in key) for row in found}) < len(found):
            findings.say("a row is there twice")
        return findings

    def _newest_copy(self, rows: Texts, expected: Expected) -> Findings:
        """Holds a table that is read whole against what the server has now, and nothing else."""
        found = spelled_rows(self.now, rows, self._late)
        findings = Copies(self.table, [self.now])._compare(self.now, found, expected)
        if len(found) != len(self.now.rows):
            findings.say(f"{len(found)} rows are there in place of {len(self.now.rows)}")
        return findings

    def lost(self, commits: Sequence[Commit], expected: Expected) -> Counts:
        """How often a load of these commits must change a value, by column and reason."""
        return dict(
            Counter(
                (name, reason)
                for row in self._versions(commits)
                for name, kind in self.now.columns.items()
                if row[name] is not ABSENT
                and (reason := expected(kind, Value(row[name])).reason) is not None
            )
        )


def _mark(text: str | None) -> tuple[int, Decimal, str]:
    """A replication key, to be compared: NULL is less than any other."""
    if text is None:
        return 0, Decimal(0), ""
    is_time = ":" in text
    return (1, Decimal(0), text) if is_time else (1, Decimal(text), "")


def _over(row: dict[str, Value], version: dict[str, Any]) -> dict[str, Value]:
    """The server's row with the values of a version where they are others."""
    return {
        name: value
        if (text := version.get(name, ABSENT)) is ABSENT or text == value.text
        else Value(text, KEY_WENT_BACK)
        for name, value in row.items()
    }


def counted_in(commits: Sequence[Commit]) -> Counts:
    """What manifests say of changed values."""
    told: Counter[tuple[str, str]] = Counter()
    for commit in commits:
        for column, reasons in commit.counted.items():
            told.update({(column, reason): number for reason, number in reasons.items()})
    return dict(told)

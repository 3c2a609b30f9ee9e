"""Holds copies against the server: what is not equal is documented, or a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from anydb.stores.lake import ABSENT, Commit
from anydb.stores.source import Snapshot, Value
from anydb.stores.values import spelled

Row = dict[str, Any]
Expected = Callable[[str, Value], Value]

NUL_REMOVED, EMPTY_BINARY_NULL = "nul_removed", "empty_binary_null"
KEY_WENT_BACK = "key_went_back"
_SHOWN = 3


@dataclass
class Findings:
    """What is wrong with one table, and how much of it was looked at."""

    wrong: list[str] = field(default_factory=list)
    rows: int = 0
    values: int = 0
    changed: Counter[str] = field(default_factory=Counter)

    def say(self, what: str) -> None:
        self.wrong.append(what)


def versions(snapshot: Snapshot, commits: Sequence[Commit], late: Collection[str]) -> list[Row]:
    """The lake's rows in the one spelling, oldest first.

    Args:
        snapshot: The server's table.
        commits: What the lake has of it.
        late: Columns that came later, which older versions lack.
    """
    missing = {name: ABSENT if name in late else "(no such column)" for name in snapshot.columns}
    return [
        {
            name: spelled(kind, row[name]) if name in row else missing[name]
            for name, kind in snapshot.columns.items()
        }
        for commit in commits
        for row in commit.rows
    ]


def landed(
    snapshot: Snapshot, rows: Iterable[dict[str, str | None]], late: Collection[str]
) -> list[Row]:
    """Landing's rows in the one spelling, oldest load first; see `spelled_rows`."""
    ordered = sorted(
        rows, key=lambda row: (row["_sdc_extracted_at"] or "", int(row["_tidemark_load_id"] or 0))
    )
    return spelled_rows(snapshot, ordered, late)


def spelled_rows(
    snapshot: Snapshot, rows: Iterable[dict[str, str | None]], late: Collection[str]
) -> list[Row]:
    """Rows of the warehouse in the one spelling.

    Args:
        snapshot: The server's table.
        rows: As text.
        late: Columns that came later; NULL there may be that of an older version.
    """
    return [
        {name: _landed(row, name, kind, late) for name, kind in snapshot.columns.items()}
        for row in rows
    ]


def _landed(row: dict[str, str | None], name: str, kind: str, late: Collection[str]) -> Any:
    value = row.get(name.lower())
    return ABSENT if value is None and name in late else spelled(kind, value)


def moved(
    snapshot: Snapshot, lake: Sequence[Row], landing: Sequence[Row], expected: Expected
) -> list[str]:
    """Differences between all versions of the lake and all of landing."""
    wanted = Counter(
        tuple(
            None if row[name] is ABSENT else expected(kind, Value(row[name])).text
            for name, kind in snapshot.columns.items()
        )
        for row in lake
    )
    there = Counter(
        tuple(None if value is ABSENT else value for value in row.values()) for row in landing
    )
    lost, added = wanted - there, there - wanted
    return [
        f"versions {what}: {list(rows)[:_SHOWN]}"
        for what, rows in (("of the lake are not in landing", lost), ("are new in landing", added))
        if rows
    ]


def in_lake(kind: str, value: Value) -> Value:
    """What the lake must hold of the server's value."""
    return value


def in_landing(kind: str, value: Value) -> Value:
    """What landing must hold of it: a NUL cannot be there."""
    if kind in ("text", "json") and value.text is not None and "\0" in value.text:
        return Value(value.text.replace("\0", ""), NUL_REMOVED)
    return value


def in_landing_from_csv(kind: str, value: Value) -> Value:
    """The same where the load was one of CSV, which has no empty binary value."""
    if kind in ("bytes", "shape") and value.text == "":
        return Value(None, EMPTY_BINARY_NULL)
    return in_landing(kind, value)


def compare(
    snapshot: Snapshot, copies: Sequence[Row], seen: set[tuple[Any, ...]], expected: Expected,
    *, whole: bool,
) -> Findings:  # fmt: skip
    """Compares a table with a copy that keeps versions.

    Args:
        snapshot: The server's.
        copies: Versions, oldest first.
        seen: Rows that the server ever had: their keys, or all their values without a key.
        expected: What the copy must hold of a value.
        whole: Whether each run copies the whole table.
    """
    findings = Findings()
    wanted = [
        {name: expected(snapshot.columns[name], value) for name, value in row.items()}
        for row in snapshot.rows
    ]
    if snapshot.key:
        _by_key(snapshot, wanted, copies, seen, findings)
    else:
        _by_value(snapshot, wanted, copies, findings, whole=whole)
    return findings


def identity(snapshot: Snapshot, row: dict[str, Value]) -> tuple[Any, ...]:
    return tuple(row[name].text for name in snapshot.key or snapshot.columns)


def _by_key(
    snapshot: Snapshot, wanted: Sequence[dict[str, Value]], copies: Sequence[Row],
    seen: set[tuple[Any, ...]], findings: Findings,
) -> None:  # fmt: skip
    newest = {tuple(row[name] for name in snapshot.key): row for row in copies}
    missing = []
    for row in wanted:
        key = identity(snapshot, row)
        if any(row[name].reason for name in snapshot.key):
            findings.say(f"the key {key} was changed on the way and not refused")
        copy = newest.get(key)
        if copy is None:
            missing.append(key)
            continue
        _row(snapshot, row, copy, findings, key)
    if missing:
        findings.say(f"{len(missing)} rows are missing, such as {missing[:_SHOWN]}")
    strange = [key for key in newest if key not in seen]
    if strange:
        findings.say(f"{len(strange)} keys that never were, such as {strange[:_SHOWN]}")


def _row(
    snapshot: Snapshot, row: dict[str, Value], copy: Row, findings: Findings, key: Any
) -> None:
    findings.rows += 1
    for name, value in row.items():
        findings.values += 1
        if copy[name] is ABSENT:
            # A version that was read before the column was there: NULL, as documented.
            findings.changed["older_than_column"] += 1
        elif copy[name] != value.text:
            findings.say(
                f"{name} ({snapshot.columns[name]}) of {key}: {value.text!r} became {copy[name]!r}"
            )
        elif value.reason:
            findings.changed[value.reason] += 1


def _by_value(
    snapshot: Snapshot, wanted: Sequence[dict[str, Value]], copies: Sequence[Row],
    findings: Findings, *, whole: bool,
) -> None:  # fmt: skip
    """Without a key: every row is among the copies, of a whole read as often as it is there."""
    names = list(snapshot.columns)
    asked = Counter(tuple(row[name].text for name in names) for row in wanted)
    there = Counter(
        tuple(None if row[name] is ABSENT else row[name] for name in names) for row in copies
    )
    absent = {name for row in copies for name in names if row[name] is ABSENT}
    for row, number in asked.items():
        found = there.get(row, 0)
        if found < (number if whole else 1) and not absent:
            findings.say(f"the row {row} is there {found} times in place of {number}")
        findings.rows += number
        findings.values += number * len(names)
    for values in wanted:
        findings.changed.update(value.reason for value in values.values() if value.reason)

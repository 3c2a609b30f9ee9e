"""Two sessions side by side, as files: ``scripts/*.txt``.

``~`` names the page of the Developer Guide that has the rule. ``A statement`` runs in session A and
does not wait; ``=> row row`` are its rows in JSON, ``!! text`` is in its error. ``A ... statement``
begins one that waits for a lock, and ``A done`` is its end. ``*`` is a session of its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import redshift_connector

from tests.redshift_stand_in.front.test_concurrency import in_thread, waits_for_a_lock

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World

FOLDER = Path(__file__).with_name("scripts")
PAGE = Path(__file__).parents[3] / "docs" / "redshift-stand-in.md"


class Step(NamedTuple):
    """A line: who does what, and what is to become of it."""

    who: str
    text: str
    sign: str
    wanted: str


def steps(path: Path) -> Iterator[Step]:
    for line in path.read_text("utf-8").splitlines():
        who, _, rest = line.partition(" ")
        if who != "~":
            sign = next((sign for sign in ("=>", "!!") if f" {sign} " in rest), "")
            text, _, wanted = rest.partition(f" {sign} ") if sign else (rest, "", "")
            yield Step(who, text, sign, wanted)


def rows(text: str) -> list[Any]:
    """JSON values that stand one behind another."""
    found, at = [], 0
    while at < len(text):
        value, end = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
        at = end + 1
    return found


class Sessions:
    """The sessions of a script, opened when they are first named."""

    def __init__(self, world: World, kind: type[Sql]) -> None:
        self.world, self.kind = world, kind
        self.open: dict[str, Sql] = {}
        self.waiting: dict[str, tuple[threading.Thread, dict[str, object]]] = {}

    def __getitem__(self, who: str) -> Sql:
        if who not in self.open:
            self.open[who] = self.kind(self.world.connect())
        return self.open[who]

    def run(self, step: Step) -> object:
        """Takes a step; returns its rows, or the text of its error."""
        session = self[step.who]
        if step.text.startswith("... "):
            self.waiting[step.who] = in_thread(lambda: session(step.text[4:]))
            assert waits_for_a_lock(self.world), f"{step} does not wait"
            return []
        result: dict[str, object]
        if step.text == "done":
            thread, result = self.waiting.pop(step.who)
        else:
            thread, result = in_thread(lambda: session(step.text))
        thread.join(20)
        assert not thread.is_alive(), f"{step} waits"
        error = result.get("error")
        return (
            str(error.args[0]) if isinstance(error, redshift_connector.Error) else result["value"]
        )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_two_sessions(path: Path, world: World, sql: Sql) -> None:
    sql("create table t.w (id int, v int)")
    sql("insert into t.w values (1, 0)")
    for name in ("a", "b"):
        sql(f"create table t.{name} (id int)")
    sessions = Sessions(world, type(sql))
    for step in steps(path):
        found = sessions.run(step)
        if step.sign == "!!":
            assert step.wanted in str(found), step
        else:
            assert isinstance(found, list), (step, found)
            assert step.sign == "" or found == rows(step.wanted), step
    assert not sessions.waiting


def test_the_page_counts_the_scripts() -> None:
    size = len(list(FOLDER.glob("*.txt")))
    assert f"{size} scripts of two sessions" in " ".join(PAGE.read_text("utf-8").split())

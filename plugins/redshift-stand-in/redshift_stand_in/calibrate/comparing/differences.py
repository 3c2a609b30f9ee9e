"""How a stand-in's answers differ from a cluster's. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from redshift_stand_in.calibrate.asking.outcome import Column, Outcome
from redshift_stand_in.calibrate.comparing.recording import Recording
from redshift_stand_in.errors import INSUFFICIENT_PRIVILEGE

#: SQLSTATEs by which a server tells nothing of a statement: a missing right, a time limit.
_UNTOLD = frozenset({INSUFFICIENT_PRIVILEGE, "57014"})
#: In the text of each error by which the stand-in says that it lacks what Redshift has.
_DECLARED = "stand-in"


class Verdict(Enum):
    """What came of a case, in words."""

    TAKES = "the stand-in takes what the cluster refuses"
    REFUSES = "the stand-in refuses what the cluster takes"
    ANSWER = "another answer"
    ERROR = "another error"
    TYPE = "another type"
    AGREES = "agree"
    #: It says itself that Redshift has it.
    DECLARED = "refused by the stand-in, which says so"
    #: For want of a right or of time.
    UNTOLD = "not answered by the cluster"
    #: The corpus has grown since.
    MISSING = "not recorded"


#: Those that are differences.
DIFFERENCES = tuple(Verdict)[: list(Verdict).index(Verdict.AGREES)]


@dataclass(frozen=True)
class Difference:
    """A case that became one thing there and another here.

    Attributes:
        verdict: What it is about.
        name: The part and the case's text.
        theirs: What the cluster said.
        ours: What the stand-in said.
    """

    verdict: Verdict
    name: str
    theirs: str
    ours: str


@dataclass(frozen=True)
class Comparison:
    """What came of all cases.

    Attributes:
        differences: The cases that differ.
        counts: How many cases there are of each verdict.
    """

    differences: tuple[Difference, ...]
    counts: Counter[Verdict]


def compare(theirs: Recording, ours: Recording, *, texts: bool = False) -> Comparison:
    """Compares two recordings.

    Args:
        theirs: Of the cluster.
        ours: Of the stand-in; cases that it was not asked do not count.
        texts: Whether two errors of one SQLSTATE differ if their texts do.
    """
    counts = Counter[Verdict]()
    found = []
    for name, there, here in _pairs(theirs, ours):
        verdict = judge(there, here, texts=texts)
        counts[verdict] += 1
        if there and verdict in DIFFERENCES:
            found.append(Difference(verdict, name, *_told(verdict, there, here)))
    return Comparison(tuple(found), counts)


def judge(there: Outcome | None, here: Outcome, *, texts: bool = False) -> Verdict:
    """What came of a case.

    Args:
        there: What the cluster said; None: it was not asked.
        here: What the stand-in said.
        texts: As for `compare`.
    """
    if there is None:
        return Verdict.MISSING
    if there.code in _UNTOLD and here.code != there.code:
        return Verdict.UNTOLD
    if there.is_error:
        return _judge_error(there, here, texts=texts)
    if here.is_error:
        return Verdict.DECLARED if _DECLARED in (here.text or "") else Verdict.REFUSES
    if there.rows != here.rows:
        return Verdict.ANSWER
    return Verdict.AGREES if there.columns == here.columns else Verdict.TYPE


def _judge_error(there: Outcome, here: Outcome, *, texts: bool) -> Verdict:
    if not here.is_error:
        return Verdict.TAKES
    if _DECLARED in (here.text or "") and _DECLARED not in (there.text or ""):
        return Verdict.ERROR  # Redshift has not what the stand-in says that it has
    same = there.code == here.code and (not texts or there.text == here.text)
    return Verdict.AGREES if same else Verdict.ERROR


def _pairs(theirs: Recording, ours: Recording) -> Iterator[tuple[str, Outcome | None, Outcome]]:
    for part, answers in ours.parts.items():
        for text, here in answers.items():
            yield f"{part}: {text}", theirs.parts.get(part, {}).get(text), here


def _told(verdict: Verdict, *outcomes: Outcome) -> Iterator[str]:
    """What each said, in a line: the columns that differ, where it is these."""
    theirs, ours = (set(outcome.columns or ()) for outcome in outcomes)
    for outcome in outcomes:
        if outcome.is_error:
            yield f"{outcome.code} {outcome.text}"
        elif verdict is Verdict.TYPE:
            yield _columns(tuple(c for c in outcome.columns or () if c not in theirs & ours))
        else:
            yield "accepted" if outcome.rows is None else _rows(outcome)


def _columns(columns: tuple[Column, ...]) -> str:
    told = ", ".join(f"{c.name} {c.oid} ({c.size}, {c.modifier})" for c in columns)
    return told or "the same columns in another order"


def _rows(outcome: Outcome) -> str:
    rows = outcome.rows or ()
    shown = "; ".join(", ".join("NULL" if v is None else v for v in row) for row in rows[:5])
    return f"{shown}; ..." if len(rows) > 5 else shown or "no rows"

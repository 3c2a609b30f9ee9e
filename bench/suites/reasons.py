"""Why a test did not pass: by what it said, or as a list of its suite says by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from suites.results import Failure, Measurement, Result

AWS = "needs AWS"
DECLARED = "declared gap"
OWN = "suite's own"
OPEN = "not explained"
#: As the columns of the table.
CLASSES = (AWS, DECLARED, OWN, OPEN)

#: A file of known reasons for each suite that has some.
LISTS = Path(__file__).with_name("known")
_WORDS = {"aws": AWS, "declared": DECLARED, "own": OWN}
_RULES = (
    (DECLARED, re.compile(r"not supported by the local Redshift stand-in")),
    (AWS, re.compile(r"\bbotocore\b|\bboto3\b|NoCredentialsError|Unable to locate credentials")),
)


def known(suite: str) -> list[tuple[str, str]]:
    """The list of a suite: pairs of a class and a pattern.

    A line of the file ``known/<suite>.txt`` is ``aws|declared|own pattern``, after a line ``~``
    that says why. A pattern ``~ text`` is one of messages.
    """
    path = LISTS / f"{suite}.txt"
    if not path.exists():
        return []
    lines = (line for line in path.read_text("utf-8").splitlines() if line[:1] not in ("", "~"))
    return [(_WORDS[word], pattern) for word, _, pattern in (line.partition(" ") for line in lines)]


def measured(suite: str, version: str, outcomes: Iterable[Result | Failure]) -> Measurement:
    """What a suite has given today, each failure with its class.

    Args:
        suite: Its name.
        version: Of its package, or the commit of its checkout.
        outcomes: In the suite's order.
    """
    date = datetime.now(UTC).date().isoformat()
    return Measurement(suite, version, date, classified(outcomes, known(suite)))


def classified(outcomes: Iterable[Result | Failure], listed: list[tuple[str, str]]) -> list[Result]:
    """Gives each failure its class."""
    return [
        each if isinstance(each, Result) else Result(each.name, _reason(each, listed), each.message)
        for each in outcomes
    ]


def _reason(failure: Failure, listed: list[tuple[str, str]]) -> str:
    for name, pattern in listed:
        of_messages = pattern.startswith("~ ")
        said = failure.message if of_messages else failure.name
        if fnmatchcase(said, pattern.removeprefix("~ ").replace("[", "[[]")):
            return name
    return next((name for name, words in _RULES if words.search(failure.text)), OPEN)

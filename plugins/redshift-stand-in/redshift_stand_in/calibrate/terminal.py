"""What is said before, while and after a cluster is asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from redshift_stand_in.calibrate.comparing.differences import DIFFERENCES, Comparison, Verdict
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.calibrate.whole import Plan
from redshift_stand_in.corpus import Case, Part

#: What an hour costs at most on Serverless with the base capacity that the page asks for. An
#: RPU-hour is 0.36 to 0.60 USD, by the Region.
_RPUS, _RPU_HOUR = 8, 0.60
#: What is left out without a bucket.
NO_COPY = "Without --bucket, --prefix and --role COPY is not asked."
#: Cases after which a line of JSON is written.
_STEP = 100


def announcement(plan: Plan, minutes: int) -> str:
    """What will be done where, and what it costs at most."""
    target, storage = plan.target, plan.storage
    made = f"one schema, {plan.name}" + (f", and one prefix, {storage.url}/" if storage else "")
    copies = "" if storage else f"{NO_COPY}\n"
    dollars = minutes / 60 * _RPUS * _RPU_HOUR
    return (
        f"{plan.cases:,} statements will run at {target.host}:{target.port}, in the database "
        f"{target.database}, as {target.user}.\n{copies}"
        f"They need {made}. What is made is removed at the end, after Ctrl-C too.\n"
        f"It ends after {minutes} minutes at the latest. That is at most {dollars:.2f} USD on "
        f"Serverless with a base capacity of {_RPUS} RPUs, at {_RPU_HOUR:.2f} USD an RPU-hour; a "
        f"provisioned cluster costs no more than it does anyway. S3 costs less than 0.01 USD."
    )


def consent(*, assumed: bool) -> bool:
    """Asks whether to go on.

    Args:
        assumed: Whether that has been said already.

    Raises:
        CalibrationError: There is nobody to ask.
    """
    if assumed:
        return True
    if not sys.stdin.isatty():
        raise CalibrationError("there is no terminal to ask at. Next: add --yes")
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")


class Progress:
    """Tells on standard error how far a run is: a line on a terminal, lines of JSON elsewhere.

    Args:
        total: How many cases there are.
        what: Who is asked.
        minutes: After which the run ends; 0: it may take as long as it takes.
    """

    def __init__(self, total: int, what: str, minutes: int = 0) -> None:
        self._total, self._what = total, what
        self._done = 0
        self._minutes = minutes
        self._end = time.monotonic() + minutes * 60
        self._live = sys.stderr.isatty()

    def watch(self, part: Part, case: Case) -> None:
        """Counts a case.

        Raises:
            CalibrationError: The time is over.
        """
        if self._minutes and time.monotonic() > self._end:
            raise CalibrationError(
                f"the {self._minutes} minutes were over at {part.name}: {case.text}. Next: the "
                f"same with --minutes {2 * self._minutes}, or with --kinds {part.name}"
            )
        self._done += 1
        if self._live:
            self._write(f"\r{self._what}: {self._done:,} of {self._total:,}, {part.name:<10}")
        elif self._done % _STEP == 0 or self._done == self._total:
            self._event("progress", done=self._done, total=self._total, part=part.name)

    def say(self, text: str) -> None:
        """Tells what else happens."""
        if self._live:
            self._write(f"\r{text}\x1b[K\n")
        else:
            self._event("note", text=text)

    def _event(self, event: str, **fields: object) -> None:
        self._write(json.dumps({"event": event, "what": self._what, **fields}) + "\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def report(comparison: Comparison, seconds: float) -> Iterator[str]:
    """The differences by groups, and the counts.

    Yields:
        Lines.
    """
    for verdict in DIFFERENCES:
        found = [each for each in comparison.differences if each.verdict is verdict]
        if found:
            yield f"{verdict.value[0].upper()}{verdict.value[1:]} ({len(found):,}):"
        for each in found:
            yield f"  {each.name}"
            yield f"    cluster:  {each.theirs}"
            yield f"    stand-in: {each.ours}"
    yield _counts(comparison, seconds)


def _counts(comparison: Comparison, seconds: float) -> str:
    counts = comparison.counts
    told = [f"{counts[verdict]:,} {verdict.value}" for verdict in Verdict if counts[verdict]]
    differ = len(comparison.differences)
    return f"{counts.total():,} cases, {differ:,} differ: {', '.join(told)}; {seconds:.0f} s"

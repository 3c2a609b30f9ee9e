"""Failed tables while others continue, and keeping the Singer state correct.

A STATE carries the bookmarks of all streams. That of a failed stream must stay where it was when
everything that it claims was committed, in this STATE and in all later ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from tidemark_core.errors import TidemarkError
from tidemark_core.process import show
from tidemark_core.runs.report import current
from tidemark_core.text.documents import Json


class Failures:
    """The streams that failed in this run, each with its error."""

    def __init__(self) -> None:
        self._errors: dict[str, TidemarkError] = {}
        self._raised: Exception = AssertionError("nothing has failed")

    def __contains__(self, stream: object) -> bool:
        return stream in self._errors

    def __iter__(self) -> Iterator[str]:
        return iter(self._errors)

    def __len__(self) -> int:
        return len(self._errors)

    def add(self, stream: str, table: object, error: Exception) -> None:
        """Notes and shows a table's failure; a second one of the same stream is not shown.

        Args:
            stream: The Singer stream.
            table: Its table, for the message.
            error: What happened.

        Raises:
            TidemarkError: It is not the table's own: no table can continue.
        """
        explained = of_table(error, table)
        if explained.stops_all:
            raise explained
        if stream in self._errors:
            return
        self._errors[stream], self._raised = explained, error
        show(explained)
        error.shown = True  # type: ignore[attr-defined]
        current().table(table).error = str(explained)

    def check(self, stream: str) -> None:
        """Makes sure that a stream has not failed.

        Raises:
            TidemarkError: The error that it failed with.
        """
        if stream in self._errors:
            raise self._errors[stream]

    def raise_any(self) -> None:
        """Ends the run with what failed, once all others are done.

        Raises:
            Exception: The error of the only table that failed.
            TidemarkError: A summary of several, with their exit code if they have one in common.
        """
        errors = tuple(self._errors.values())
        if len(errors) == 1:
            self._raised.of_tables = errors  # type: ignore[attr-defined]
            raise self._raised
        if errors:
            tables = ", ".join(sorted(str(error.table) for error in errors))
            summary = TidemarkError(
                f"{len(errors)} tables failed, for the reasons shown above: {tables}",
                hint="follow the hint of each error, then run again: the other tables are done",
            )
            codes = {error.exit_code for error in errors}
            summary.of_tables = errors
            summary.exit_code = codes.pop() if len(codes) == 1 else 1
            raise summary


def of_table(error: Exception, table: object) -> TidemarkError:
    """Any error, as an error of a table."""
    if isinstance(error, TidemarkError):
        error.table = error.table or str(table)
        return error
    detail = f": {error}" if str(error) else ""
    if isinstance(error, MemoryError):
        explained = TidemarkError(
            f"there is not enough memory{detail}",
            table=table,
            hint="give the process more memory, or run it when the machine is less busy",
        )
    else:
        explained = TidemarkError(
            f"unexpected {type(error).__name__}{detail}",
            table=table,
            hint="set DEBUG=true for the traceback",
        )
    explained.__cause__ = error
    return explained


class Bookmarks:
    """What each stream's bookmark was when everything that it claims had been committed."""

    def __init__(self) -> None:
        self._true: Json = {}
        self._unknown: set[str] = set()
        self._has_begun = False

    def note(self, state: Any, *, open: Set[str], failed: Set[str]) -> None:
        """Takes in a STATE.

        Args:
            state: Its value.
            open: Streams whose data has come but is not committed yet.
            failed: Streams that failed.
        """
        told = bookmarks(state)
        if told is None:
            return
        # A bookmark of the first STATE is true of a stream that has brought nothing yet: a tap
        # begins with the state that it was given.
        held = open | failed if self._has_begun else open
        if not self._has_begun:
            self._has_begun, self._unknown = True, set(held)
        kept = {stream: mark for stream, mark in self._true.items() if stream in held}
        self._true = {stream: mark for stream, mark in told.items() if stream not in held} | kept
        self._unknown &= held

    def true_part(self, state: Any, failed: Set[str]) -> Any | None:
        """A STATE as it may be passed on, with the failed streams' bookmarks as they were.

        Returns:
            None when what they were cannot be told: then no STATE may be passed on.
        """
        if not failed:
            return state
        told = bookmarks(state)
        if told is None or not self._has_begun or self._unknown & failed:
            return None
        others = {stream: mark for stream, mark in told.items() if stream not in failed}
        kept = {stream: self._true[stream] for stream in failed if stream in self._true}
        return state | {"bookmarks": others | kept}


def bookmarks(state: Any) -> Json | None:
    """The bookmarks of a STATE's value, by stream; None when it has none."""
    marks = state.get("bookmarks") if isinstance(state, dict) else None
    return marks if isinstance(marks, dict) else None

"""Runs the corpus on a server, case by case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from redshift_stand_in.calibrate.asking.manner import Manner, is_ordered, manner, rows_vary
from redshift_stand_in.calibrate.asking.outcome import Outcome, in_order
from redshift_stand_in.calibrate.asking.place import Place
from redshift_stand_in.calibrate.asking.session import LostConnection
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.calibrate.asking.workspace import Workspace
from redshift_stand_in.corpus import Case, Part

#: In place of a SQLSTATE: the server ended the session, twice.
LOST = "lost"
#: Begins the names of what made a part's tables and was refused.
MADE = "! "

#: Is told of each case before it is run; what it raises ends the run.
Watch = Callable[[Part, Case], object]
#: Is told what went wrong and was made good.
Say = Callable[[str], object]

_LOAD_ERRORS = (
    "select file_name, line_number, column_name, error_code, error_message "
    "from sys_load_error_detail where file_name like '%/{}/%' order by file_name, line_number"
)


class Run:
    """A run of the corpus in a schema of its own.

    Args:
        workspace: Where it runs.
        place: Its names.
        storage: Where COPY finds its data; None: there is none.
        say: Is told when a connection was lost.
    """

    def __init__(
        self, workspace: Workspace, place: Place, storage: Storage | None, say: Say
    ) -> None:
        self._workspace, self._place, self._storage, self._say = workspace, place, storage, say
        self._made: tuple[str, ...] = ()

    def answers(self, part: Part, watch: Watch = lambda *_: None) -> dict[str, Outcome]:
        """Runs a part.

        Returns:
            What became of each case, by its text, and of what made the part's tables and failed.
        """
        self._made = part.made
        self._workspace.renew()
        refused = self._workspace.make(part.made)
        found = {f"{MADE}{text}": self._told(outcome) for text, outcome in refused}
        for case in part.cases:
            watch(part, case)
            found[case.text] = self._recorded(case, self._insisting(case))
        return found | self._explained(part.cases, found)

    def _insisting(self, case: Case) -> Outcome:
        """Runs a case, and once more in a new session if the first is lost."""
        for _ in range(2):
            try:
                return self._outcome(case)
            except LostConnection as error:
                self._say(f"the connection was lost and is opened again, at: {case.text} ({error})")
                self._afresh()
        return Outcome(LOST, "the server ends the session")

    def _outcome(self, case: Case) -> Outcome:
        if self._storage and case.key:
            self._storage.put(case)
        how = manner(case)
        if how is Manner.READ:
            return self._workspace.ask(case.statement)
        if how is Manner.ALONE:
            return self._alone(case)
        outcome = self._undone(case)
        if how is Manner.SESSION:
            self._workspace.renew()
        return outcome

    def _undone(self, case: Case) -> Outcome:
        """Runs a case in a transaction that is rolled back."""
        begun = self._workspace.ask("begin")
        if begun.is_error:
            return begun  # or the case would stay
        outcome = self._prepared(case)
        if case.key and not outcome.is_error:
            outcome = self._workspace.ask(f"select * from {case.text.split()[0]}")
        self._workspace.ask("rollback")
        return outcome

    def _alone(self, case: Case) -> Outcome:
        outcome = self._prepared(case)
        if not outcome.is_error or case.before:
            self._afresh()
        return outcome

    def _afresh(self) -> None:
        self._workspace.renew()
        self._workspace.make(self._made)

    def _prepared(self, case: Case) -> Outcome:
        for statement in case.before:
            made = self._workspace.ask(statement)
            if made.is_error:
                return replace(made, text=f"{statement}: {made.text}")
        return self._workspace.ask(case.statement)

    def _recorded(self, case: Case, outcome: Outcome) -> Outcome:
        """What is kept of an outcome: nothing that is another in the next run."""
        told = self._told(outcome)
        if told.rows is None or rows_vary(case):
            return replace(told, rows=None)
        rows = [tuple(v and self._place.unplaced(v) for v in row) for row in told.rows]
        return replace(told, rows=in_order(rows, ordered=is_ordered(case.statement)))

    def _told(self, outcome: Outcome) -> Outcome:
        """An outcome whose names and error are as if the corpus had run as it is written."""
        columns = outcome.columns and tuple(
            replace(column, name=self._place.masked(column.name)) for column in outcome.columns
        )
        text = outcome.text and self._place.told(outcome.text)
        return replace(outcome, text=text, columns=columns)

    def _explained(self, cases: Iterable[Case], found: dict[str, Outcome]) -> dict[str, Outcome]:
        """The failed loads, with the first error of each: the server tells it in a view."""
        failed = {c.key: c.text for c in cases if c.key and found[c.text].is_error}
        if not failed or self._storage is None:
            return {}
        prefix = self._storage.prefix.rpartition("/")[2]
        rows = self._workspace.ask(_LOAD_ERRORS.format(prefix)).rows or ()
        first = {_key(row[0] or ""): row[1:] for row in reversed(rows)}
        return {
            text: replace(found[text], text=f"{found[text].text} {_reason(first[key])}")
            for key, text in failed.items()
            if key in first
        }


def _key(url: str) -> str:
    return "/".join(url.strip().split("/")[-2:])


def _reason(row: tuple[str | None, ...]) -> str:
    line, column, code, reason = ((value or "").strip() for value in row)
    return f"[line {line}, column {column or '-'}, {code}: {reason}]"

"""The loop of a session: reads the client's messages, and runs each statement by its plan."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from redshift_stand_in.context import Context, mask
from redshift_stand_in.errors import BackendError, StatementError
from redshift_stand_in.front.answers import Answers
from redshift_stand_in.front.prepared import Message, Names, with_statement
from redshift_stand_in.sql.lexer import split_statements
from redshift_stand_in.statements import late_binding, plan
from redshift_stand_in.wire.protocol import MessageStream

logger = logging.getLogger(__name__)


@dataclass
class Executor:
    """Serves the statements of one client.

    Attributes:
        client: the client's side.
        context: the session.
    """

    client: MessageStream
    context: Context
    _names: Names = field(init=False)
    _answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        self._answers = Answers(self.client, self.context)
        self._names = Names(self.context.names)

    def run(self) -> None:
        """Serves until the client ends the session.

        Raises:
            Disconnected: the client or PostgreSQL has gone.
        """
        batch: list[Message] = []
        failed = False  # since the last Sync: what follows up to the next one is skipped
        while True:
            kind, body = self.client.read()
            if kind == b"X":
                return
            if kind == b"Q":
                batch.clear()
                self._simple(body[:-1].decode("utf-8", "replace"))
            elif kind == b"H" and any(k in b"BE" for k, _ in batch):
                # A Sync follows; if the Flush were answered first, the portal would be gone.
                continue
            elif kind in (b"S", b"H"):
                if batch and not failed:
                    failed = not self._extended(batch)
                batch = []
                if kind == b"S":
                    failed = False
                    self._answers.ready()
                elif not self.client.pending():
                    # Some drivers write a Flush after every message, and then a Sync. Each answer
                    # would go out alone: behind sshd, which does not set TCP_NODELAY, the
                    # second waits 40 ms until the first is acknowledged.
                    self.client.flush()
            elif kind not in (b"d", b"c", b"f"):  # leftovers of a COPY that was refused
                batch.append((kind, body))

    # The simple protocol -------------------------------------------------------------------------

    def _simple(self, text: str) -> None:
        try:
            statements = split_statements(text)
        except StatementError as error:
            self._answers.fail(error)
            self._answers.ready()
            return
        if not statements:
            self.client.put(b"I")
        for statement in statements:
            if not self._run_simple(plan.make(statement, self.context.names.shortened)):
                break
        self._answers.ready()

    def _run_simple(self, planned: plan.Plan) -> bool:
        logger.debug("Q %s", mask(planned.text))
        if planned.run:
            return self._answers.run_in_front(planned, planned.run)
        own = self._before(planned)
        if own is None:
            return False
        try:
            sql = self._sql(planned)
            self.context.backend.put(b"Q", sql.encode() + b"\0")
            self.context.backend.flush()
            ok = self._answers.relay([None])
        except StatementError as error:
            self._answers.fail(error)
            ok = False
        return self._after(own, ok)

    # The extended protocol -----------------------------------------------------------------------

    def _extended(self, batch: list[Message]) -> bool:
        """Runs the messages up to a Sync or a Flush; returns whether all succeeded."""
        batch = [self._names.note(kind, body) for kind, body in batch]
        again = self._names.parsed_again(batch)
        batch = [*again, *batch]
        portals = [self._names.portal(body) for kind, body in batch if kind == b"E"]
        executed = [portal.prepared.plan for portal in portals if portal is not None]
        if not self._ready_to_parse(batch):
            return False
        own = False
        for planned in executed:
            if not planned.run:
                begun = self._before(planned)
                if begun is None:
                    return self._after(own, ok=False)
                own = own or begun
        ok = True
        part: list[Message] = []
        for kind, body in batch:
            portal = self._names.portal(body) if kind == b"E" else None
            own_plan = portal.prepared.plan if portal else None
            if own_plan and own_plan.run:
                ok = self._send(part, len(again)) and self._answers.run_in_front(
                    own_plan, own_plan.run
                )
                part, again = [], []
                if not ok:
                    break
            else:
                part.append((kind, body))
        if ok:
            ok = self._send(part, len(again))
        return self._after(own, ok)

    def _ready_to_parse(self, batch: list[Message]) -> bool:
        """Does what must be done before PostgreSQL parses the statements of a batch.

        Parsing takes the transaction's snapshot: a table to be written must be locked before that,
        and the late-binding views that are read must have the columns of their tables.
        """
        try:
            for i, (kind, body) in enumerate(batch):
                if kind != b"P":
                    continue
                prepared = self._names.statement(body)
                planned = prepared.plan
                self._catch_up(planned)
                if planned.writes and self.context.backend.status == b"T":
                    self.context.lock_for_write(planned.writes)
                if planned.late_binding and self.context.backend.status != b"E":
                    late_binding.refresh(self.context, planned.text, planned.writes)
                if planned.by_columns:
                    prepared.sql = self._sql(planned)
                    batch[i] = kind, with_statement(body, prepared.sql)
        except BackendError as error:
            self.client.put(b"E", error.payload())
            return False
        except StatementError as error:
            self._answers.fail(error)
            return False
        return True

    def _send(self, part: list[Message], unasked: int) -> bool:
        """Sends messages and a Sync to PostgreSQL, and the answers to the client.

        Args:
            part: the messages.
            unasked: how many of the first are a Parse that the client did not send.
        """
        if not part:
            return True
        for kind, body in part:
            self.context.backend.put(kind, body)
        self.context.backend.put(b"S")
        self.context.backend.flush()
        named = [self._names.described(kind, body) for kind, body in part if kind in b"DE"]
        try:
            return self._answers.relay(named, unasked)
        except StatementError as error:
            parsed = [body.split(b"\0", 1)[0] for kind, body in part if kind == b"P"]
            described = [body[1:-1] for kind, body in part if kind == b"D" and body[:1] == b"S"]
            self._forget({*parsed, *described})
            self._answers.fail(error)
            return False

    def _forget(self, names: set[bytes]) -> None:
        """Closes statements in PostgreSQL, since the client is told that they failed."""
        for name in names:
            self.context.backend.put(b"C", b"S" + name + b"\0")
        self.context.backend.query("")

    # Both ----------------------------------------------------------------------------------------

    def _sql(self, planned: plan.Plan) -> str:
        """The SQL for PostgreSQL; late-binding views that it reads must have their columns."""
        return self.context.rewritten(planned.sql) if planned.by_columns else planned.sql

    def _catch_up(self, planned: plan.Plan) -> None:
        """Before a statement that reads what others wrote: the catalogue has all of it."""
        if planned.reads_history:
            self.context.journal.history.flush(self.context.database)

    def _before(self, planned: plan.Plan) -> bool | None:
        """Prepares what a statement needs before it runs.

        Returns:
            Whether a transaction of the front's own was begun; None when it failed (and was
            answered).
        """
        backend = self.context.backend
        if backend.status == b"E":
            return False
        self._catch_up(planned)
        own, started = False, time.time()
        try:
            if planned.writes:
                if backend.status == b"I":
                    self.context.query("begin")
                    own = True
                self.context.lock_for_write(planned.writes)
            if planned.late_binding:
                table = late_binding.refresh(self.context, planned.text, planned.writes)
                if table:
                    self.context.journal.begin(table, planned.verb, planned.text, started)
        except BackendError as error:
            self.context.journal.forget()
            self.client.put(b"E", error.payload())
        except StatementError as error:
            self._answers.fail(error)
        else:
            return own
        if own:
            self.context.query("rollback")
        return None

    def _after(self, own: bool, ok: bool) -> bool:
        backend, journal = self.context.backend, self.context.journal
        ended = time.time()
        journal.count(backend.tag)
        if own:
            try:
                self.context.query("commit" if ok else "rollback")
            except BackendError as error:
                journal.error = error.text
                self.client.put(b"E", error.payload())
                ok = False
        journal.end(backend.process_id, ended, ok=ok)
        return ok

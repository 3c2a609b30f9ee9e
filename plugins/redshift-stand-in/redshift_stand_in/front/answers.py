"""The answers to a client: PostgreSQL's, those of the front's own commands, and errors."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from redshift_stand_in.context import Context, Run, mask
from redshift_stand_in.errors import (
    IN_FAILED_TRANSACTION,
    INTERNAL_ERROR,
    BackendError,
    StatementError,
    decode_fields,
)
from redshift_stand_in.front.prepared import Prepared
from redshift_stand_in.statements import plan
from redshift_stand_in.wire.protocol import Disconnected, MessageStream, wait_for
from redshift_stand_in.wire.rows import Shape, reshape, shape_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answers:
    """Answers one client.

    Attributes:
        client: the client's side.
        context: the session.
    """

    client: MessageStream
    context: Context

    def relay(self, described: list[Prepared | None]) -> bool:
        """Passes PostgreSQL's answers on, up to but not including ReadyForQuery.

        Args:
            described: for each Describe and Execute sent, the statement that it is about.

        Returns:
            Whether no error was among them.

        Raises:
            StatementError: a result has a type that Redshift lacks; nothing of it was passed on.
        """
        backend, client = self.context.backend, self.client
        ok, position = True, 0
        shape: Shape | None = None
        refused: StatementError | None = None
        waiting = iter(described)
        current = next(waiting, None)
        while True:
            wait_for(backend, client, backend.cancel)
            kind, body = backend.read()
            backend.note(kind, body)
            if refused and kind != b"Z":
                continue
            if kind == b"D":
                shape = current.shape if current else shape
                client.put(kind, reshape(body, shape) if shape else body)
            elif kind == b"T":
                try:
                    shape, body = shape_of(body)
                except StatementError as error:
                    refused = error
                    continue
                if current:
                    current.shape = shape
                client.put(kind, body)
                if position < len(described) - 1:
                    current, position = next(waiting, None), position + 1
            elif kind == b"n":
                client.put(kind, body)
                current, position = next(waiting, current), position + 1
            elif kind == b"E":
                ok = False
                logger.debug("error: %s", decode_fields(body))
                client.put(kind, BackendError(body).payload())
            elif kind == b"Z":
                if refused:
                    raise refused
                return ok
            else:
                client.put(kind, body)

    def run_in_front(self, planned: plan.Plan, run: Run) -> bool:
        """Runs a command of the front's own and answers with its tag or its error."""
        backend = self.context.backend
        if backend.status == b"E":
            self.fail(
                StatementError(
                    "current transaction is aborted, commands ignored until end of "
                    "transaction block",
                    IN_FAILED_TRANSACTION,
                )
            )
            return False
        self.context.text = planned.text
        try:
            tag = run(self.context)
        except BackendError as error:
            self._flush_notices()
            self.client.put(b"E", error.payload())
            return False
        except StatementError as error:
            self._flush_notices()
            self.fail(error)
            return False
        except (Disconnected, OSError):
            raise
        except Exception as error:
            logger.exception("internal error in %s", mask(planned.text))
            self.fail(StatementError(f"internal error of the stand-in: {error!r}", INTERNAL_ERROR))
            return False
        self._flush_notices()
        self.client.put(b"C", tag.encode() + b"\0")
        return True

    def _flush_notices(self) -> None:
        self.client.put_raw(bytes(self.context.out))
        self.context.out.clear()

    def fail(self, error: StatementError) -> None:
        """Answers with an error; an open transaction fails with it, as on any server."""
        if self.context.backend.status == b"T":
            try:
                self.context.query("select 1/0 as a_statement_of_this_transaction_was_refused")
            except BackendError:
                logger.debug("the transaction is marked as failed")
        self.client.put(b"E", error.payload())

    def ready(self) -> None:
        """Sends ReadyForQuery: the client may send the next statement."""
        self.client.put(b"Z", self.context.backend.status)
        self.client.flush()

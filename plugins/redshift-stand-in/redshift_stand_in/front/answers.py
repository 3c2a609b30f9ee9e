"""The answers to a client: PostgreSQL's, those of the front's own commands, and errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from redshift_stand_in.context import Context, Run, mask
from redshift_stand_in.errors import (
    IN_FAILED_TRANSACTION,
    INTERNAL_ERROR,
    BackendError,
    StatementError,
)
from redshift_stand_in.front.prepared import Portal, Prepared
from redshift_stand_in.front.relay import Relay
from redshift_stand_in.statements import plan
from redshift_stand_in.wire.protocol import Disconnected, MessageStream

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

    def relay(self, described: Sequence[Prepared | Portal | None], unasked: int = 0) -> bool:
        """Passes PostgreSQL's answers on, up to but not including ReadyForQuery.

        Args:
            described: for each Describe and Execute sent, what it is about; None: the simple
                protocol.
            unasked: how many statements were parsed that the client did not send.

        Returns:
            Whether no error was among them.

        Raises:
            StatementError: as `Relay.run` has it.
        """
        return Relay(self.client, self.context, described, unasked).run()

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
        ok = self._run(planned, run)
        self.context.journal.end(backend.process_id, time.time(), ok=ok)
        return ok

    def _run(self, planned: plan.Plan, run: Run) -> bool:
        journal = self.context.journal
        try:
            tag = run(self.context)
        except BackendError as error:
            journal.error = error.text
            self._flush_notices()
            self.client.put(b"E", error.payload())
            return False
        except StatementError as error:
            journal.error = str(error)
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
        self.context.fail_transaction()
        self.client.put(b"E", error.payload())

    def ready(self) -> None:
        """Sends ReadyForQuery: the client may send the next statement."""
        self.client.put(b"Z", self.context.backend.status)
        self.client.flush()

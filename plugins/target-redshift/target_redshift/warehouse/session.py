"""A session with the warehouse that is opened again when it was lost, and its transactions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tidemark_core.errors import TidemarkError
from tidemark_core.logs import Event, log_event
from tidemark_core.redshift.connection import WarehouseConnection, connect
from tidemark_core.redshift.errors import QueryError
from tidemark_core.retry import retried
from tidemark_core.runs.report import current

from target_redshift.settings import LoadSettings

logger = logging.getLogger("target_redshift.session")
T = TypeVar("T")


class Session:
    """The warehouse for one table's loads.

    Args:
        config: The settings.
        application_name: Shown in the warehouse's session tables.
    """

    def __init__(self, config: LoadSettings, application_name: str) -> None:
        self._config = config
        self._name = application_name
        self._connection: WarehouseConnection | None = None

    @property
    def connection(self) -> WarehouseConnection:
        """The open connection; opens one if there is none."""
        if self._connection is None:
            seconds = self._config.redshift_statement_timeout_seconds
            try:
                connection = connect(
                    self._config.in_region(self._config.s3_region),
                    application_name=self._name,
                    statement_seconds=seconds,
                )
            except TidemarkError as error:
                error.stops_all = True
                raise
            try:
                connection.execute(timeout_statement(seconds), what="SET statement_timeout")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            database = self._config.redshift_database
            log_event(logger, Event.DATABASE_CONNECTED, database=database)
        return self._connection

    def close(self) -> None:
        """Ends the session; an open transaction is rolled back by the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[WarehouseConnection]:
        """A transaction: committed at the end, rolled back on any error.

        An error while the transaction is open may leave the protocol in the middle of an
        answer, so the session ends with it: that is the surest roll-back.
        """
        connection = self.connection
        connection.execute("BEGIN", what="BEGIN")
        try:
            yield connection
            connection.execute("COMMIT", what="COMMIT")
        except BaseException as error:
            if isinstance(error, QueryError) and not error.lost:
                self._roll_back(connection)
            else:
                self.close()
            raise

    def _roll_back(self, connection: WarehouseConnection) -> None:
        try:
            connection.execute("ROLLBACK", what="ROLLBACK")
        except QueryError:
            self.close()

    def retried(self, step: Callable[[], T], *, table: object) -> T:
        """Runs a step until it succeeds, fails permanently, or has no tries left.

        Args:
            step: Starts from the beginning on each try.
            table: For the log.

        Raises:
            TidemarkError: The last failure.
        """

        def tell(error: TidemarkError, failures: int, seconds: float) -> None:
            if getattr(error, "lost", False):
                self.close()
            current().tried_again(table)
            where = {"table": str(table), "attempt": failures, "wait_seconds": round(seconds, 3)}
            logger.warning("load tried again: %s", error.message, extra=where)

        return retried(step, self._config.redshift_retry_attempts, tell)


def timeout_statement(seconds: int) -> str:
    """SET statement_timeout; 0 seconds: no limit.

    https://docs.aws.amazon.com/redshift/latest/dg/r_statement_timeout.html
    """
    return f"SET statement_timeout TO {int(seconds) * 1000}"

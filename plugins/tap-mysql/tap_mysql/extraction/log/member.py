"""The tables of a run that are read from the log, each with its state so far."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tidemark_core.errors import TidemarkError
from tidemark_core.names import TableName
from tidemark_singer.failures import of_table

from tap_mysql.binlog.bookmark import LogBookmark
from tap_mysql.extraction.log.table import LogExtraction
from tap_mysql.extraction.parallel import together
from tap_mysql.extraction.run import tell
from tap_mysql.query.sql import Key
from tap_mysql.source.arrow_query import Stopped

logger = logging.getLogger("tap-mysql.log")


class LogJob(Protocol):
    """One table of a run."""

    @property
    def table(self) -> TableName:
        """The table."""

    def prepare_log(self, *, again: bool) -> LogExtraction:
        """Makes the extraction; ``again``: after reading the table's definition again."""

    def bookmark(self) -> object:
        """The stream's entry in the state."""


@dataclass
class Member:
    """A table on its way through the run.

    Attributes:
        job: The table.
        before: Its bookmark when the run began.
        began: When.
        extraction: Reads it; None if the table could not even be inspected.
        bookmark: What has been read of it.
        keys: Keys that have changed and are still to be read.
        error: Why it failed.
    """

    job: LogJob
    before: object
    began: float
    extraction: LogExtraction | None = None
    bookmark: LogBookmark | None = None
    keys: dict[Key, None] = field(default_factory=dict)
    error: TidemarkError | None = None

    @property
    def table(self) -> TableName:
        return self.job.table

    @property
    def is_read(self) -> bool:
        """Whether the log is read for it: it has not failed, and its first load is done."""
        return self.error is None and self.bookmark is not None and not self.bookmark.left

    @property
    def has_rows_left(self) -> bool:
        """Whether it has not failed, and rows are left that the log tells nothing of."""
        return self.error is None and self.bookmark is not None and bool(self.bookmark.left)

    def fail(self, error: TidemarkError) -> None:
        """Fails this table only; its bookmark stays where it was."""
        if self.error is None:
            self.error, self.keys = error, {}
            tell(self.table, error)


@dataclass
class Members:
    """Works on tables, several at once, each of which fails by itself.

    Attributes:
        workers: Tables at the same time.
        stop: Set when the run is to be stopped.
    """

    workers: int
    stop: threading.Event

    def each(self, members: Sequence[Member], work: Callable[[Member], None]) -> None:
        def one(member: Member) -> Iterator[None]:
            if self.stop.is_set():
                raise Stopped
            self.guard([member], lambda: work(member))
            yield None

        for _ in together([m for m in members if m.error is None], self.workers, one):
            pass

    def guard(self, members: Sequence[Member], work: Callable[[], None]) -> None:
        """Does the work; an error fails the tables that it was for."""
        try:
            work()
        except TidemarkError as error:
            for member in members:
                member.fail(copy.copy(error))
        except Exception as error:
            logger.debug("%s", [str(member.table) for member in members], exc_info=True)
            for member in members:
                member.fail(of_table(error, member.table))

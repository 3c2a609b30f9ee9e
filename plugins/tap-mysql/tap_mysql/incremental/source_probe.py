"""Queries to the source before a read: greatest key, row count, changes."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemark_core.errors import SourceError
from tidemark_core.names import TableName

from tap_mysql.incremental import window
from tap_mysql.incremental.bookmark import Edge
from tap_mysql.incremental.options import Options
from tap_mysql.query import sql
from tap_mysql.query.column_reads import Plan
from tap_mysql.query.sql import Range
from tap_mysql.source.schema import Column
from tap_mysql.source.session.connection import Session
from tap_mysql.values import key_values
from tap_mysql.values.key_values import KeyValue

logger = logging.getLogger("tap-mysql.ask")

#: The options of a table, which stand in a line of their own.
_NEXT_NUMBER = re.compile(r"^\) ENGINE=\w+(?: AUTO_INCREMENT=(\d+))?", re.MULTILINE)


@dataclass(frozen=True)
class Questions:
    """Questions about one table.

    Attributes:
        table: The table.
        column: Its replication key.
        plans: Columns that are read.
        options: How the table is extracted.
    """

    table: TableName
    column: Column
    plans: Sequence[Plan]
    options: Options

    @property
    def kind(self) -> Any:
        """The type of the key."""
        return self.column.type

    def greatest(self, session: Session) -> KeyValue | None:
        """The greatest key; None: no row has one."""
        ((text,),) = session.rows(sql.greatest(self.table, self.column.name))
        return self._parsed(text)

    def next_number(self, session: Session) -> int | None:
        """The number that AUTO_INCREMENT gives next; None if the server does not say.

        Not from information_schema, which MySQL caches for a day.

        Raises:
            SourceError: The connection is lost.
        """
        try:
            ((_, text),) = session.rows(sql.definition(self.table))
        except SourceError as error:
            if error.retryable:
                raise
            # Rights on single columns suffice to read them, and not for this.
            logger.info("next number unknown: %s", error, extra={"table": str(self.table)})
            return None
        found = _NEXT_NUMBER.search(str(text))
        # It is left out while no number has been given.
        return int(found[1] or 1) if found else None

    def _parsed(self, text: object) -> KeyValue | None:
        """Reads a key as the server writes it; None: there is none, or it is a zero date.

        Raises:
            SourceError: It would be changed on the way.
        """
        if text is None:
            return None
        try:
            return key_values.parse_source(self.kind, str(text))
        except ValueError:
            raise SourceError(
                f"keys are never altered, but one of them is not a valid {self.kind}",
                table=self.table,
                column=self.column.name,
                key=f"{self.column.name}={text}",
                hint=f"correct the row: UPDATE … SET {self.column.name} = … "
                f"WHERE {self.column.name} = '{text}'",
            ) from None

    def end_of_part(
        self, session: Session, beyond: KeyValue | None, now: datetime
    ) -> KeyValue | None:
        """The key at which this run ends, with all of its rows.

        Args:
            session: The source.
            beyond: The bookmark.
            now: The source's clock.

        Returns:
            None if the run reads all that is left: there are fewer rows than the limit, or the end
            would lie in the future, where the bookmark cannot follow and no next run could
            continue.
        """
        if not self.options.max_rows:
            return None
        found = session.rows(sql.nth_value(self.table, self.column, beyond, self.options.max_rows))
        if not found:
            return None
        value = self._parsed(found[0][0])
        return None if isinstance(value, datetime) and value > now else value

    def nulls(self, session: Session) -> int:
        """Rows without a key: NULL, or a zero date.

        Raises:
            SourceError: There are some, and they are to be refused.
        """
        if not self.column.can_be_missing:
            return 0
        name = self.column.name
        ((count,),) = session.rows(sql.count_no_key(self.table, name, self.column.data_type))
        window.check_nulls(
            self.table, name, self.column.data_type, int(count), self.options.null_keys
        )
        if count:
            logger.warning(
                "%s: %d rows have no %s (NULL or a zero date)", self.table, count, name,
                extra={"table": str(self.table), "null_keys": int(count)},
            )  # fmt: skip
        return int(count)

    def expected(self, session: Session, lower: KeyValue | None, upper: KeyValue | None) -> int:
        """The server's estimate of the rows between two keys; 0: it has none."""
        where = sql.window(self.column, lower, upper)
        steps = session.plan(sql.count(Range(self.table, where)))
        return max((int(step.get("rows") or 0) for step in steps), default=0)

    def edge(
        self, session: Session, lower: KeyValue | None, upper: KeyValue | None, *, nulls: bool
    ) -> Edge | None:
        """The fingerprint of the rows between two keys; None: there is no lower one, or no hash."""
        if lower is None:
            return None
        where = sql.window(self.column, lower, upper, nulls=nulls)
        ((rows, digest),) = session.rows(sql.edge(self.plans, self.table, where))
        if int(digest) >= sql.UNCOMPUTABLE:
            logger.warning(
                "%s: a row is too long for the server to hash, so every run reads it again",
                self.table, extra={"table": str(self.table)},
            )  # fmt: skip
            return None
        return Edge(lower, int(rows), str(digest), upper)

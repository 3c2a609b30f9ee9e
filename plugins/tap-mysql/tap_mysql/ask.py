"""What an extraction asks the source before it reads: how far, how much, what has changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemark_core.names import TableName

from tap_mysql import keys, sql, window
from tap_mysql.bookmark import Edge
from tap_mysql.columns import Plan
from tap_mysql.connection import Session
from tap_mysql.keys import KeyValue
from tap_mysql.options import Options
from tap_mysql.sql import Range
from tap_mysql.table import Column

logger = logging.getLogger("tap-mysql.ask")


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
        return None if text is None else keys.parse_source(self.kind, str(text))

    def end_of_part(
        self, session: Session, beyond: KeyValue | None, now: datetime
    ) -> KeyValue | None:
        """The key at which this run ends, with all of its rows.

        Args:
            session: The source.
            beyond: The bookmark.
            now: The source's clock.

        Returns:
            None when all that is left is read: there are not so many rows, or they lie in the
            future, where the bookmark cannot follow and the next run could not go on from.
        """
        if not self.options.max_rows:
            return None
        found = session.rows(
            sql.nth_value(self.table, self.column.name, beyond, self.options.max_rows)
        )
        if not found:
            return None
        value = keys.parse_source(self.kind, str(found[0][0]))
        if value is None:  # a zero date, which is less than every date there is
            return keys.lowest(self.kind)
        return None if isinstance(value, datetime) and value > now else value

    def nulls(self, session: Session) -> int:
        """Rows without a key.

        Raises:
            SourceError: There are some, and they are to be refused.
        """
        if not self.column.nullable:
            return 0
        name = self.column.name
        ((count,),) = session.rows(sql.count_nulls(self.table, name))
        window.check_nulls(self.table, name, int(count), self.options.null_keys)
        if count:
            logger.warning(
                "%s: %d rows have no %s", self.table, count, name,
                extra={"table": str(self.table), "null_keys": int(count)},
            )  # fmt: skip
        return int(count)

    def expected(self, session: Session, lower: KeyValue | None, upper: KeyValue | None) -> int:
        """The server's estimate of the rows between two keys; 0: it has none."""
        where = sql.window(self.column.name, lower, upper)
        steps = session.plan(sql.count(Range(self.table, where)))
        return max((int(step.get("rows") or 0) for step in steps), default=0)

    def edge(
        self, session: Session, lower: KeyValue | None, upper: KeyValue | None, *, nulls: bool
    ) -> Edge | None:
        """The fingerprint of the rows between two keys; None when there is no lower one."""
        if lower is None:
            return None
        where = sql.window(self.column.name, lower, upper, nulls=nulls)
        ((rows, digest),) = session.rows(sql.edge(self.plans, self.table, where))
        return Edge(lower, int(rows), str(digest))

"""Counts a table's rows at every stage, by asking the servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tap_mysql.values.bookmark_facts import Reading
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import LANDING_SCHEMA, LandingNames, TableName, fold, redshift_relation
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.redshift.ledger import ledger_retired

from tidemark.services.compare.keys.row_keys import Window, live_sql, row_key
from tidemark.services.compare.keys.tombstones import marked, unmarked_sql
from tidemark.services.lake.backlog import NextLoad
from tidemark.services.lake.ledger import (
    columns_of,
    read_ledger,
    refuse_other_copy,
    relation_exists,
)
from tidemark.services.verify.counts import StageCounts
from tidemark.source.mysql import MySQL
from tidemark.source.quoting import mysql_name, mysql_table


@dataclass(frozen=True)
class Counter:
    """Counts the rows of one table after the other.

    Attributes:
        mysql: The source.
        warehouse: The warehouse, as a user who reads landing and public.
        next_load: What the next load takes.
        names: What tables are called in the warehouse.
        schema: Where the public ones are.
        deleted_at: Their own columns for deleted rows, by ``schema.table``.
    """

    mysql: MySQL
    warehouse: WarehouseConnection
    next_load: NextLoad
    names: LandingNames
    schema: str
    deleted_at: Mapping[str, str] = field(default_factory=dict)

    def count(
        self, table: TableName, history: Sequence[Manifest], reading: Reading | None
    ) -> StageCounts:
        """Counts a table.

        Args:
            table: The table.
            history: Its commits.
            reading: How far it has been read; None: MySQL does not have it.

        Raises:
            TidemarkError: A server refuses.
        """
        refuse_other_copy(self.warehouse, table, self.names.of(table))
        files = {file.key: file.rows for manifest in history for file in manifest.files}
        ledger = {entry.file: entry.rows for entry in read_ledger(self.warehouse, [table])}
        waiting = files.keys() - ledger.keys()
        skipped = waiting - self.next_load.files(table) if waiting else set()
        # What is in public was in MySQL before, so public is counted first.
        landed, public = self._landed(table), self._copied(self.schema, table)
        upto, since = (None, 0) if reading is None else self._source(table, reading)
        return StageCounts(
            table=str(table),
            source=upto,
            changed=since,
            lake=sum(files.values()),
            landing=landed,
            public=public,
            passed_over=sum(files.get(file, 0) for file, rows in ledger.items() if not rows),
            deleted=self._deleted(history[-1]),
            waiting=len(waiting),
            skipped=len(skipped),
        )

    def _source(self, table: TableName, reading: Reading) -> tuple[int, int]:
        """Rows up to the bookmark, and rows beyond it."""
        window = Window.of(reading)
        if window is None:
            return count_rows(self.mysql, table), 0
        beyond = f"coalesce(sum({mysql_name(window.column)} > %s), 0)"
        query = f"SELECT count(*), {beyond} FROM {mysql_table(table)}"
        rows, since = self.mysql.row(query, [window.until])
        return int(rows) - int(since), int(since)

    def _landed(self, table: TableName) -> int | None:
        """Rows that landed: those of loads that retention has taken out of landing count too."""
        rows = self._copied(LANDING_SCHEMA, table)
        return None if rows is None else rows + self.retired(table)

    def retired(self, table: TableName) -> int:
        """Rows of loads that landing no longer has."""
        query, what = ledger_retired(self.names.of(table)), "reading the ledger"
        ((rows,),) = self.warehouse.execute(query, [str(table)], what=what, table=table)
        return int(rows)

    def _copied(self, schema: str, table: TableName) -> int | None:
        if not relation_exists(self.warehouse, schema, self.names.of(table)):
            return None
        ((rows,),) = self.warehouse.execute(
            f"SELECT count(*) FROM {self._name(schema, table)}", what="a row count", table=table
        )
        return int(rows)

    def _deleted(self, newest: Manifest) -> int:
        """Rows of the public table that are marked, or say themselves that they are deleted."""
        table, marks = newest.table, marked(self.warehouse, newest.table)
        column = self.deleted_at.get(str(table))
        name = self.names.of(table)
        if column is None or fold(column) not in (
            columns_of(self.warehouse, self.schema, name) or ()
        ):
            return marks
        told, bound = f"NOT {live_sql(column)}", []
        if marks:
            key = row_key(newest, self.schema, name)
            told, bound = f"{told} AND {unmarked_sql(key)}", [str(table)]
        ((kept,),) = self.warehouse.execute(
            f"SELECT count(*) FROM {self._name(self.schema, table)} WHERE {told}",
            bound,
            what="counting deleted rows",
            table=table,
        )
        return marks + int(kept)

    def _name(self, schema: str, table: TableName) -> str:
        return redshift_relation(schema, self.names.of(table))


def count_rows(mysql: MySQL, table: TableName) -> int:
    """All rows of a table of the source."""
    return mysql.number(f"SELECT count(*) FROM {mysql_table(table)}")

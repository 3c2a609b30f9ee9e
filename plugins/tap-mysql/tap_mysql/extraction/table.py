"""One table's extraction: queries to the source, reading, and the bookmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tidemark_core.errors import TidemarkError
from tidemark_core.runs.report import current
from tidemark_core.text.documents import Json
from tidemark_core.types.conversions import Conversions

from tap_mysql.binlog.bookmark import LogBookmark
from tap_mysql.extraction import schema_drift, telemetry
from tap_mysql.extraction.held_back import HeldBack
from tap_mysql.extraction.output import Output
from tap_mysql.extraction.parallel import together
from tap_mysql.incremental import key_warnings, window
from tap_mysql.incremental.bookmark import Bookmark, FirstLoad, Identity
from tap_mysql.incremental.failover import taken_over
from tap_mysql.incremental.first_load import FirstLoadProgress
from tap_mysql.incremental.options import Options
from tap_mysql.incremental.planner import Look
from tap_mysql.incremental.window import News
from tap_mysql.query import sql
from tap_mysql.query.column_reads import Plan
from tap_mysql.query.key_ranges import split
from tap_mysql.query.sql import Range
from tap_mysql.reading.parquet_file import FinishedFile
from tap_mysql.reading.range_reader import Reading
from tap_mysql.source.retry import persist
from tap_mysql.source.schema import Column, Table
from tap_mysql.source.session.connection import Session
from tap_mysql.source.session.server_identity import Server, identify
from tap_mysql.values.key_values import NEVER, KeyValue


@dataclass
class Extraction:
    """Reads one table once.

    Attributes:
        table: The table.
        plans: Columns to read, in order.
        replication_key: The column; None: the whole table, each time.
        reading: How ranges are read.
        options: How the table is extracted.
        output: Where results go.
        rows: Rows read so far.
        conversions: Values changed so far, by column and reason.
        moment: The source's clock after the last question and before the first row, UTC.
    """

    table: Table
    plans: Sequence[Plan]
    replication_key: Column | None
    reading: Reading
    options: Options
    output: Output
    rows: int = 0
    conversions: Conversions = field(default_factory=Conversions)
    moment: datetime = NEVER

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(plan.column.name for plan in self.plans)

    @property
    def _unselected(self) -> tuple[str, ...]:
        return schema_drift.unselected_of(self.table, self._columns)

    def run(self, state: Any) -> None:
        """Reads what is new since the bookmark.

        Args:
            state: The stream's entry in the Singer state.

        Raises:
            TidemarkError: The table cannot be read; what was committed before stays true.
            Stopped: The run is being stopped.
            TableChangedError: The table's definition changed during the read, or another server
                answers.
        """
        try:
            read = self._look(state)
            if read is not None:
                read()
        finally:
            self.reading.meter.end()

    def _look(self, state: Any) -> Callable[[], None] | None:
        """Decides what to read, and returns the function that reads it; None if nothing is new."""
        reading = self.reading
        return persist(
            partial(self._look_once, state),
            f"inspecting {self.table.name}",
            reading.attempts,
            reading.stop,
            table=self.table.name,
        )

    def _look_once(self, state: Any) -> Callable[[], None] | None:
        with self.reading.source.session() as session:
            server = identify(session)
            source = replace(self.reading.source, server=server)
            self.reading = replace(self.reading, source=source)
            read = self._decided(session, server, state)
            # The last question: a run that asked earlier, and reads later, has newer rows.
            self.moment = session.now().replace(tzinfo=UTC)
            return read

    def _decided(self, session: Session, server: Server, state: Any) -> Callable[[], None] | None:
        name, key = self.table.name, self.replication_key
        lag = self.options.replication.lag(session, name)
        if key is None or key.type is None:
            window.check_limit(name, self.options.max_rows)
            whole = Range(name, order=self._order)
            ranges = split(whole, self.options.chunks, session.rows, self.table)
            return partial(self._run_full, ranges, state)
        options, now = self.options.of(key), session.now()
        look = Look(session, self.table, key, self.plans, self._order, options, now, lag)
        identity = Identity(name, key.name, key.type, server, self._columns, self._unselected)
        bookmark = identity.read(state)
        schema_drift.warn(self.table, self._drift(bookmark))
        if bookmark.server not in (None, server):
            bookmark = taken_over(name, bookmark, server, look.greatest)
        else:
            bookmark = look.unless_renumbered(bookmark)
        key_warnings.warn_unindexed(session, self.table, key, bookmark.value)
        if bookmark.value is not None and bookmark.first_load is None:
            bookmark = look.in_step(bookmark)
            found = look.news(bookmark)
            if found is not None:
                return partial(self._run_window, identity, bookmark, found)
            if bookmark.columns and set(bookmark.columns) != set(self._columns):
                return partial(self._tell_columns, identity.write(bookmark))
            # Else each run would warn again that the server is another one; and a column that is
            # selected later would not be known for one that was not.
            renamed = bookmark.server not in (None, server)
            is_as_told = not renamed and set(bookmark.unselected) == set(self._unselected)
            return None if is_as_told else partial(self._retell, identity, bookmark)
        nulls = look.nulls()
        load = bookmark.first_load or look.first_load(nulls)
        if load is None:
            return partial(self._tell_columns, state)
        # A first load that begins now ends at the limit by itself.
        limit = self.options.max_rows if bookmark.first_load else 0
        return partial(self._run_first_load, identity, load, limit, look.cap(load), nulls)

    def _drift(self, bookmark: Bookmark | LogBookmark) -> schema_drift.Drift:
        return schema_drift.between(
            bookmark.columns, self._columns, self.table, bookmark.unselected
        )

    def _retell(self, identity: Identity, bookmark: Bookmark) -> None:
        """Writes a bookmark of another server, or of other columns, as one of these."""
        self.output.begin(self.moment)
        self._commit(None, identity.write(bookmark))

    def _tell_columns(self, state: object) -> None:
        """Announces the columns of a table that has no new row to show them.

        Args:
            state: The bookmark, as it is.
        """
        self.output.begin(self.moment)
        self._commit_nothing(state)

    def _commit_nothing(self, state: object) -> None:
        file = self.reading.no_rows()
        self.reading.folder.hand_over(file.path)
        self.output.commit(file, dict(state) if isinstance(state, Mapping) else {})

    # -- whole tables

    def _run_full(self, ranges: Sequence[Range], state: object) -> None:
        """Reads everything; an earlier bookmark stays, for when the table has a key again.

        The last file is held back until all has been read: it alone tells a target that the copy is
        complete, since a STATE may be another table's.
        """
        self._begin(None, None, self.table.rows)
        try:
            with HeldBack() as held:
                for _, file in self._read(ranges):
                    if file is not None:
                        held.take(file, self._commit_part)
        except TidemarkError:
            self.output.begin(self.moment)  # the target drops what it has of the copy
            raise
        if held.file is None:
            self._commit_nothing(state)
            return
        # Without a STATE behind them the files would never be committed to the lake.
        self._commit(held.file, dict(state) if isinstance(state, Mapping) else {})

    def _commit_part(self, file: FinishedFile) -> None:
        self._commit(replace(file, has_more=True), None)

    # -- the first load of an incremental table

    def _run_first_load(
        self, identity: Identity, load: FirstLoad, limit: int, cap: KeyValue | None, nulls: int
    ) -> None:
        """Reads the ranges that are left; each file moves its range's start in the bookmark.

        Args:
            identity: The bookmark's.
            load: What is left.
            limit: Rows after which it stops, for a later run to continue; 0: never.
            cap: Greatest value that the bookmark may take.
            nulls: Rows without a key.
        """
        if load.order != self._order:
            load = replace(load, order=self._order, left=((None, None),))
        progress = FirstLoadProgress(identity, load, cap)
        where = sql.window(self._column, None, load.upper, nulls=nulls > 0)
        ranges = [
            Range(self.table.name, where, load.order, after, until) for after, until in load.left
        ]
        if limit:
            rows = min(self.reading.batch_size, -(-limit // len(ranges)))
            self.reading = replace(self.reading, batch_size=rows)
        self._begin(None, load.upper, self.table.rows)
        for number, file in self._read(ranges):
            if file is None:
                progress.finish(number)
            else:
                progress.take(number, file.last, file.greatest)
            self._commit(file, progress.state)
            if limit and progress.can_be_gone_on_with and self.rows >= limit:
                return

    # -- a window

    def _run_window(self, identity: Identity, bookmark: Bookmark, found: News) -> None:
        """Reads a window in the key's order, so that each file moves the bookmark."""
        name, order, decided = self.table.name, self._order, found.window
        by_key = bool(order) and self._key in self.table.indexed
        if by_key:
            order = (self._key, *(column for column in order if column != self._key))
        ranges = []
        if decided.upper is not None:
            where = sql.window(self._column, decided.lower, decided.upper)
            ranges.append(Range(name, where, order))
        if found.nulls:
            ranges.append(
                Range(name, (sql.no_key(self._key, self._column.data_type),), self._order)
            )
        value = bookmark.value
        expected = window.advanced(value, decided.upper, decided.cap)
        self._begin(decided.lower, decided.upper, found.rows)
        for number in range(len(ranges)):
            for _, file in self._read([ranges[number]]):
                state = None
                if file is not None:
                    value = window.advanced(value, file.greatest, decided.cap)
                    if by_key and number == 0:
                        state = identity.write(Bookmark(value))
                elif number == len(ranges) - 1:
                    edge = found.edge if value == expected else None
                    state = identity.write(Bookmark(value, edge))
                self._commit(file, state)

    # -- the table

    @property
    def _order(self) -> tuple[str, ...]:
        """The table's order, if its columns are read: a key that is left out stays out."""
        read = {plan.column.name for plan in self.plans}
        return self.table.order_key if read.issuperset(self.table.order_key) else ()

    @property
    def _column(self) -> Column:
        """The replication key of a table that has one."""
        if self.replication_key is None:
            raise ValueError(f"{self.table.name} has no replication key")
        return self.replication_key

    @property
    def _key(self) -> str:
        return self._column.name

    # -- reading

    def _begin(self, lower: KeyValue | None, upper: KeyValue | None, rows: int) -> None:
        """Announces what will be read.

        Args:
            lower: Least replication key; None: from the beginning.
            upper: Greatest one; None: to the end.
            rows: The server's estimate; 0: it has none.
        """
        window = telemetry.window(self.table.name, lower, upper)
        self.reading.meter.begin(rows or None, window)
        self.output.begin(self.moment)

    def _read(self, ranges: Sequence[Range]) -> Iterator[tuple[int, FinishedFile | None]]:
        """Reads ranges, several at once, and gives their files as they are finished.

        Yields:
            The range's number and a file; None in place of a file when the range is done.
        """
        if len(ranges) == 1 or self.options.workers == 1:
            for number, part in enumerate(ranges):
                for file in self.reading.files(part):
                    yield number, file
                yield number, None
            return
        yield from together(ranges, self.options.workers, self.reading.files)

    def _commit(self, file: FinishedFile | None, state: Json | None) -> None:
        """Tells the target of a file, and of the bookmark that it makes true."""
        if file is not None:
            self._count(file)
        self.output.commit(file, state)

    def _count(self, file: FinishedFile) -> None:
        size = file.path.stat().st_size
        self.reading.folder.hand_over(file.path)
        self.reading.meter.add(bytes=size)
        self.rows += file.rows
        report = current().table(self.table.name)
        report.add(files=1, bytes=size)
        report.convert(file.conversions)
        self.conversions.merge(file.conversions)

"""PostgreSQL's answers on their way to the client."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from redshift_stand_in.context import Context
from redshift_stand_in.errors import BackendError, StatementError, decode_fields
from redshift_stand_in.front import described
from redshift_stand_in.front.prepared import Portal, Prepared
from redshift_stand_in.sql.long_names import MARK
from redshift_stand_in.wire.columns import Column, Origin, columns_of, row_description
from redshift_stand_in.wire.protocol import MessageStream, wait_for
from redshift_stand_in.wire.rows import Shape, check, reshape, shape_of
from redshift_stand_in.wire.values import in_row
from redshift_stand_in.wire.version import Version

logger = logging.getLogger(__name__)


@dataclass
class Relay:
    """Passes on the answers to one batch of messages.

    Attributes:
        client: the client's side.
        context: the session.
        described: for each Describe and Execute sent, what it is about; None: the simple protocol.
        unasked: how many statements were parsed that the client did not send.
    """

    client: MessageStream
    context: Context
    described: Sequence[Prepared | Portal | None]
    unasked: int = 0
    _at: int = 0
    _shape: Shape | None = None
    _shaped: Portal | None = None
    _refused: StatementError | None = None
    _ok: bool = True
    #: Messages, and statements whose results are to be described.
    _held: list[tuple[bytes, bytes] | Prepared] = field(default_factory=list)

    def run(self) -> bool:
        """Passes on what comes, up to but not including ReadyForQuery.

        Returns:
            Whether no error was among it.

        Raises:
            StatementError: a result has a type that Redshift lacks, of which nothing was passed
                on, or a value that Redshift cannot have.
        """
        backend = self.context.backend
        while True:
            wait_for(backend, self.client, backend.cancel)
            kind, body = backend.read()
            backend.note(kind, body)
            if kind == b"Z":
                return self._end()
            if self._refused is None:
                try:
                    self._pass_on(kind, body)
                except StatementError as error:
                    self._refused = error

    def _end(self) -> bool:
        if self._refused:
            raise self._refused
        if self._held:
            self._describe()
        return self._ok

    def _describe(self) -> None:
        """Sends what was held back, now that PostgreSQL can be asked about it."""
        if self.context.version == Version.BINARY:
            for about in self.described:
                if isinstance(about, Prepared):
                    about.columns = described.with_scales(self.context, about.columns, about.sql)
        results = [held for held in self._held if isinstance(held, Prepared)]
        tables = {column.table for about in results for column in about.columns} - {0}
        origins = described.origins(self.context, tables)
        for held in self._held:
            if isinstance(held, Prepared):
                self.client.put(b"T", self._description(held.columns, origins))
            else:
                self.client.put(*held)

    def _pass_on(self, kind: bytes, body: bytes) -> None:
        if kind == b"D":
            self.client.put(kind, self._row(body))
        elif kind == b"1" and self.unasked:
            self.unasked -= 1
        elif kind == b"T":
            self._result(body)
        elif kind == b"E":
            self._ok = False
            logger.debug("error: %s", decode_fields(body))
            failure = BackendError(body)
            self.context.journal.error = failure.text
            self._put(kind, failure.payload())
        else:
            self._put(kind, body)
            if kind == b"n":
                self._next()

    def _put(self, kind: bytes, body: bytes) -> None:
        """Sends a message, behind a result that is held back."""
        if self._held:
            self._held.append((kind, body))
        else:
            self.client.put(kind, body)

    @property
    def _can_wait(self) -> bool:
        """Whether statements are described and none is run: PostgreSQL can then be asked more."""
        return self.context.version > Version.BASE and all(
            isinstance(about, Prepared) for about in self.described
        )

    @property
    def _current(self) -> Prepared | Portal | None:
        return self.described[self._at] if self.described else None

    def _next(self) -> None:
        self._at = min(self._at + 1, max(0, len(self.described) - 1))

    def _result(self, body: bytes) -> None:
        columns = columns_of(body)
        check(columns)
        formats = [column.binary for column in columns]
        current = self._current
        if isinstance(current, Portal):
            current.prepared.columns, current.formats = columns, formats
        elif isinstance(current, Prepared):
            current.columns = columns
        else:
            self._shape = shape_of(columns, formats, self.context.version)
        if isinstance(current, Prepared) and self._can_wait:
            self._held.append(current)
        else:
            self.client.put(b"T", self._description(columns, {}))
        self._next()

    def _row(self, body: bytes) -> bytes:
        if MARK in body:  # before a value becomes one that has lengths in it
            body = in_row(body, self.context.names.restored)
        current = self._current
        if isinstance(current, Portal) and current is not self._shaped:
            self._shaped = current
            columns, formats = current.prepared.columns, current.formats
            self._shape = shape_of(columns, formats, self.context.version)
        return reshape(body, self._shape) if self._shape else body

    def _description(
        self, columns: Sequence[Column], origins: Mapping[tuple[int, int], Origin]
    ) -> bytes:
        return row_description(columns, origins, self.context.database, self.context.version)

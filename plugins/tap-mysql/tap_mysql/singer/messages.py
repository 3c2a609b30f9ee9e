"""Singer messages: written whole, one thread at a time, STATE never ahead of its BATCH."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import pyarrow.parquet as pq
import singer_sdk.singerlib as singer
from singer_sdk.helpers._batch import BaseBatchFileEncoding, SDKBatchMessage
from tidemark_core.text.documents import Json
from tidemark_core.text.moments import to_second
from tidemark_core.types.singer_schema import FULL_TABLE, METHOD
from tidemark_singer.files.batch_file import BatchFile

from tap_mysql.reading.parquet_file import FinishedFile
from tap_mysql.values.key_values import NEVER, to_state

_RECORD_ROWS = 10_000


@dataclass
class Messages:
    """The tap's output, shared by all its threads.

    Attributes:
        write: Writes one message.
        state: The Singer state, changed in place.
    """

    write: Callable[[Any], None]
    state: dict[str, Any]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Writes the state as it was before: a target may have to keep a bookmark unchanged."""
        with self._lock:
            self.state.setdefault("bookmarks", {})
            self.write(singer.StateMessage(value=self.state))

    def schema(self, message: singer.SchemaMessage) -> None:
        with self._lock:
            self.write(message)

    def commit(self, stream: str, messages: Iterator[Any], bookmark: Json | None) -> None:
        """Writes messages and the bookmark that they make true, with no other thread's between."""
        with self._lock:
            for message in messages:
                self.write(message)
            if bookmark is not None:
                self.state.setdefault("bookmarks", {})[stream] = dict(bookmark)
                self.write(singer.StateMessage(value=self.state))


@dataclass
class StreamOutput:
    """`tap_mysql.extraction.output.Output` of one stream.

    Attributes:
        messages: The tap's output.
        stream: Name of the stream.
        schema: Its JSON schema.
        key_properties: Its key.
        replication_key: Its replication key, if any.
        records: Whether rows are written as RECORD messages.
        extracted_at: The source's clock when the table began to be read, UTC.
        version: Of a full copy in RECORD messages, by which a target knows that it is whole.
    """

    messages: Messages
    stream: str
    schema: dict[str, Any]
    key_properties: tuple[str, ...]
    replication_key: str | None
    records: bool = False
    extracted_at: datetime = NEVER
    version: int | None = None

    def begin(self, moment: datetime) -> None:
        """See `tap_mysql.extraction.output.Output.begin`."""
        self.extracted_at = moment
        if self.records and self.schema.get(METHOD) == FULL_TABLE:
            # In milliseconds, as in other taps; a new one each time.
            self.version = max(int(moment.timestamp() * 1000), (self.version or 0) + 1)
        self.messages.schema(
            singer.SchemaMessage(
                self.stream,
                self.schema,
                list(self.key_properties),
                [self.replication_key] if self.replication_key else None,
            )
        )

    def commit(self, file: FinishedFile | None, state: Json | None) -> None:
        """See `tap_mysql.extraction.output.Output.commit`."""
        written: Iterator[Any] = iter(())
        if file is not None:
            written = self._records(file) if self.records else self._batch(file)
        if state is not None and self.version is not None:
            whole = singer.ActivateVersionMessage(stream=self.stream, version=self.version)
            written = chain(written, [whole])
        self.messages.commit(self.stream, written, state)

    def _batch(self, file: FinishedFile) -> Iterator[SDKBatchMessage]:
        facts: dict[str, object] = {"rows": file.rows, "extracted_at": to_second(self.extracted_at)}
        if file.greatest is not None:
            facts["stats"] = {"min": to_state(file.least), "max": to_state(file.greatest)}
        elif file.last is not None:
            facts["stats"] = {"max": [str(value) for value in file.last]}
        if file.conversions:
            facts["conversions"] = file.conversions
        if file.has_more:
            facts["has_more"] = True
        url = BatchFile.local(str(file.path.absolute()), **facts).to_url()
        yield SDKBatchMessage(
            stream=self.stream, encoding=BaseBatchFileEncoding(format="parquet"), manifest=[url]
        )

    def _records(self, file: FinishedFile) -> Iterator[singer.RecordMessage]:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(_RECORD_ROWS):
                for row in batch.to_pylist():
                    yield self.record(row)
        file.path.unlink()

    def record(self, row: Json) -> singer.RecordMessage:
        """A row as a RECORD message."""
        return singer.RecordMessage(
            stream=self.stream,
            record={name: to_json(value) for name, value in row.items()},
            version=self.version,
            time_extracted=self.extracted_at.astimezone(UTC),
        )


def to_json(value: Any) -> Any:
    """A value as the stream's JSON schema describes it: exact, decimals and bytes as text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value

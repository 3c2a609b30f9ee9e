"""A table as a stream of the Singer SDK. The reading itself knows nothing of Singer."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from singer_sdk import Stream
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import Catalog, MetadataMapping, StreamMetadata
from tidemark_core.runs.progress import Meter
from tidemark_core.types.conversions import Conversions
from tidemark_core.types.singer_schema import FULL_TABLE, LOG_BASED

from tap_mysql.extraction.log.table import LogExtraction
from tap_mysql.extraction.table import Extraction
from tap_mysql.query.column_reads import plan
from tap_mysql.query.sql import Range, select
from tap_mysql.reading.conversion import Converter
from tap_mysql.reading.range_reader import Reading
from tap_mysql.singer import selection as choices
from tap_mysql.singer.messages import StreamOutput, to_json
from tap_mysql.singer.selection import Chosen
from tap_mysql.source.arrow_query import Fetch
from tap_mysql.source.schema import Column, Table

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Record
    from tidemark_core.names import TableName

    from tap_mysql.singer.tap import TapMySQL

Made = TypeVar("Made", bound=Extraction)


class MySQLStream(Stream):
    """A table or view; its schema is what the source says now, not what a catalog remembers."""

    def __init__(self, tap: TapMySQL, table: Table) -> None:
        self.source_table = table
        self._tap_mysql = tap
        super().__init__(tap, schema=choices.stream_schema(table), name=table.name.stream)
        self.primary_keys = table.primary_key
        self.forced_replication_method = FULL_TABLE

    @property
    def table(self) -> TableName:
        return self.source_table.name

    @property
    def metadata(self) -> MetadataMapping:
        """The catalog's metadata, else what discovery says."""
        if self._metadata is None and self._tap_input_catalog is None:
            self._metadata = MetadataMapping.from_iterable(
                choices.stream_metadata(self.source_table)
            )
        return super().metadata

    def apply_catalog(self, catalog: Catalog) -> None:
        """Takes keys, method and selection from a catalog, but not its memory of the schema."""
        self.forced_replication_method = None
        super().apply_catalog(catalog)
        self._input_schema = None
        self._metadata = self._mask = None

    def chosen(self) -> Chosen:
        """What the operator chose for this table."""
        root = self.metadata.root
        keys: Iterable[str] = ()
        if isinstance(root, StreamMetadata):
            keys = root.table_key_properties or ()
        known = {
            breadcrumb[1]: self.mask[breadcrumb]
            for breadcrumb in self.metadata
            if len(breadcrumb) == 2
        }
        return Chosen(
            method=self.replication_method,
            replication_key=self.replication_key,
            key_properties=tuple(self.primary_keys or keys),
            columns=known if self._tap_input_catalog is not None else {},
        )

    def prepare(self, *, again: bool) -> Extraction:
        """See `tap_mysql.extraction.run.Job.prepare`."""
        return self._prepare(Extraction, again=again)

    def prepare_log(self, *, again: bool) -> LogExtraction:
        """See `tap_mysql.extraction.log.member.LogJob.prepare_log`."""
        return self._prepare(LogExtraction, again=again)

    @property
    def is_log_based(self) -> bool:
        """Whether the table is read from the binary log."""
        return self.replication_method == LOG_BASED

    def _prepare(self, kind: type[Made], *, again: bool) -> Made:
        if again:
            self.source_table = self._tap_mysql.look_again(self.table)
            self._schema = choices.stream_schema(self.source_table)
        table, chosen = self.source_table, self.chosen()
        key = choices.replication_column(table, chosen)
        keys = choices.key_columns(table, chosen)
        choices.warn_of_collations(table, keys)
        columns = choices.read_columns(table, chosen, key, keys)
        output = StreamOutput(
            messages=self._tap_mysql.messages,
            stream=self.name,
            schema=choices.with_method(
                choices.with_padding(self._schema_of(columns), table, keys), chosen.method
            ),
            key_properties=keys,
            replication_key=key.name if key else None,
            records=self._tap_mysql.settings.backup_output == "record",
        )
        reading = self._reading(columns, keys, key)
        return kind(
            table=table,
            plans=reading.converter.plans,
            replication_key=key,
            reading=reading,
            options=self._tap_mysql.options,
            output=output,
        )

    def bookmark(self) -> object:
        """See `tap_mysql.extraction.run.Job.bookmark`."""
        return self.tap_state.get("bookmarks", {}).get(self.name, {})

    def _reading(
        self, columns: tuple[Column, ...], keys: tuple[str, ...], key: Column | None
    ) -> Reading:
        tap = self._tap_mysql
        fixed = {*keys, *self.source_table.order_key}
        reads_keyless = (
            key is not None and tap.options.null_keys == "read" and key.name not in fixed
        )
        if key is not None:
            fixed.add(key.name)
        return Reading(
            source=tap.source,
            converter=Converter(
                self.table,
                [plan(column, is_key=column.name in fixed) for column in columns],
                keys,
                tap.settings.backup_strict,
                frozenset(fixed),
                key.name if key and reads_keyless else None,
            ),
            folder=tap.folder,
            replication_key=key.name if key else None,
            batch_size=tap.settings.backup_batch_size,
            attempts=tap.settings.backup_retry_attempts,
            parallel=tap.parallel,
            stop=tap.stop,
            meter=Meter(str(self.table), tap.display),
        )

    def _schema_of(self, columns: tuple[Column, ...]) -> dict[str, Any]:
        properties = self.schema["properties"]
        return {
            "type": "object",
            "properties": {column.name: properties[column.name] for column in columns},
        }

    # -- the SDK's own way of running a stream (--test, and programs that call sync_all)

    @property
    def stream_maps(self) -> list[Any]:
        """No maps: rows in files cannot be mapped, and what is selected is chosen in SQL."""
        chosen = self.chosen()
        keys = choices.key_columns(self.source_table, chosen)
        columns = choices.read_columns(
            self.source_table, chosen, choices.replication_column(self.source_table, chosen), keys
        )
        return [
            SameRecordTransform(
                stream_alias=self.name,
                raw_schema=self._schema_of(columns),
                key_properties=list(keys),
                flattening_options=None,
            )
        ]

    def get_replication_key_signpost(self, context: Any = None) -> None:  # noqa: ARG002
        """None: the bookmark is capped by the source's clock, not by this machine's."""
        return

    def get_batch_config(self, config: Any) -> None:  # noqa: ARG002
        """None: the SDK's batches infer a schema from the rows."""
        return

    def get_records(self, context: Any) -> Iterable[Record]:  # noqa: ARG002
        """Reads rows without bookmarks; as many as a dry run asks for."""
        extraction = self.prepare(again=False)
        plans, limit = extraction.plans, self.ABORT_AT_RECORD_COUNT
        query = select(plans, Range(self.table), limit=limit)
        reading = extraction.reading
        for rows in Fetch(reading.source, query, reading.shape, reading.stop):
            for row in reading.converter.convert(rows, Conversions()).to_pylist():
                yield {name: to_json(value) for name, value in row.items()}

    def _sync_records(
        self, context: Any = None, *, write_messages: bool = True
    ) -> Generator[Record, Any, Any]:
        if self.ABORT_AT_RECORD_COUNT is not None or not write_messages:
            for record in self.get_records(context):
                if write_messages:
                    self._write_record_message(record)
                yield record
            if write_messages:
                self._write_state_message()
            return
        self._tap_mysql.extract([self])

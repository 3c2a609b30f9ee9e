"""The Singer sink of one stream: hands rows and files to the table's writer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._batch import BaseBatchFileEncoding
from singer_sdk.sinks import BatchSink
from singer_sdk.sinks.core import BaseJSONSchemaValidator
from tidemark_core.errors import LakeError
from tidemark_core.types.singer_schema import (
    LOG_BASED,
    ROW_METADATA,
    SINGER_METADATA,
    is_metadata,
    replication_method,
)
from tidemark_singer.files.batch_file import BatchFile
from tidemark_singer.files.local_file import read_records
from tidemark_singer.target.isolating_target import remove_local

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context, Record

    from target_s3_parquet.singer.target import TargetS3Parquet


class LakeSink(BatchSink):
    """Collects a stream's records and turns them into Arrow by the thousand.

    Attributes:
        is_dropped: Whether the stream has failed, so that nothing more is done for it.
    """

    def __init__(self, target: TargetS3Parquet, **arguments: Any) -> None:
        self._target = target  # the SDK's own initialisation asks it for a validator
        super().__init__(target=target, **arguments)
        self.is_dropped = False
        self.table = target.table(self.stream_name)

    def setup(self) -> None:
        """Tells the table's writer the schema.

        Raises:
            LakeError: The schema changed inside the run, or cannot be stored.
        """
        self.table.set_schema(self.schema, self.key_properties)

    def _remove_sdc_metadata_from_schema(self) -> None:
        """Keeps columns that the source really has, whatever their names.

        Also the metadata of rows that are read from a log: nothing else reports a deletion.
        """
        properties = self.schema["properties"]
        kept = ROW_METADATA.keys() if replication_method(self.schema) == LOG_BASED else set()
        for name in SINGER_METADATA & properties.keys() - kept:
            if is_metadata(name, properties[name]):
                del properties[name]

    def _remove_sdc_metadata_from_record(self, record: Record) -> None:
        for name in SINGER_METADATA - self.schema["properties"].keys():
            record.pop(name, None)

    def get_validator(self) -> BaseJSONSchemaValidator | None:
        """The SDK's own, when asked for: types are checked on the way to Arrow anyway."""
        return super().get_validator() if self._target.settings.validate_records else None

    def _parse_timestamps_in_record(self, *_: Any, **__: Any) -> None:
        """Leaves times as they came; they are read exactly on the way to Arrow."""

    @property
    def current_size(self) -> int:
        """Records that wait to be handed over."""
        return 0 if self.is_dropped else super().current_size

    def forget(self) -> None:
        """Drops the records that wait to be handed over."""
        self.start_drain()
        self.mark_drained()

    def process_batch(self, context: Context) -> None:
        """Hands the collected records over; an error in them ends the stream."""
        try:
            self.table.add_records(context.get("records", []))
        except Exception as error:  # noqa: BLE001 - reported; other streams continue
            self._target.fail(self.stream_name, error)

    def process_batch_files(self, encoding: BaseBatchFileEncoding, files: Sequence[str]) -> None:
        """Takes the files of a BATCH message.

        Raises:
            LakeError: A file is not what it should be, or its format is unknown.
        """
        for url in files:
            if encoding.format == "parquet":
                file = BatchFile.from_url(url)
                has_more = file.facts.get("has_more") is True
                self._target.copies.file(self._target.raw(self.stream_name), has_more=has_more)
                self.table.add_file(file)
            elif encoding.format == "jsonl":
                self._add_lines(url, is_gzip=encoding.compression == "gzip")
            else:
                raise LakeError(
                    f"a BATCH message has the format {encoding.format!r}",
                    table=self.table.table,
                    hint="configure the tap to write parquet or jsonl",
                )

    def _add_lines(self, url: str, *, is_gzip: bool) -> None:
        path = BatchFile.from_url(url).path
        found = read_records(path, self.table.table, is_gzip=is_gzip)
        while records := list(islice(found, self.max_size)):
            self.table.add_records(records)
        remove_local([url])

"""Parquet files to compressed CSV parts on S3, in parallel and in bounded memory.

Rows are dealt out to the parts of a round in turn; cutting and compressing blocks runs in threads
(Arrow and the compressors leave the interpreter's lock), uploading a finished round overlaps
writing the next one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from tidemark_core.host.temporary_folder import temporary_folder, writing
from tidemark_core.runs.progress import Meter
from tidemark_core.s3.errors import explained
from tidemark_core.types.conversions import Conversions

from target_redshift import events
from target_redshift.staging.area import put_copy_manifest
from target_redshift.staging.csv_encoder import encode
from target_redshift.staging.load_file import LoadFile, blocks, fetched
from target_redshift.staging.metadata_columns import metadata_arrays
from target_redshift.staging.part_plan import PartPlan, plan_parts
from target_redshift.staging.part_writer import SUFFIX, PartWriter
from target_redshift.staging.value_fitter import Cleaner

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BLOCK_ROWS = 8_192
_UPLOADS = 4


@dataclass(frozen=True)
class Staged:
    """What a load has put into its staging folder.

    Attributes:
        prefix: Its folder.
        manifest: URL of the COPY manifest.
        rows: Rows in all parts.
        parts: Number of parts.
        size: Bytes of all parts.
        marker: The text that stands for NULL.
        conversions: Values that had to change.
    """

    prefix: str
    manifest: str
    rows: int
    parts: int
    size: int
    marker: str
    conversions: Conversions = field(default_factory=Conversions)


@dataclass
class Stager:
    """Writes the parts of one load.

    Attributes:
        client: S3 client.
        bucket: The lake's bucket.
        prefix: Staging folder of the load.
        cleaner: Fits the rows to the table.
        slices: Slices of the warehouse.
        compression: ``gzip`` or ``zstd``.
        marker: Text of NULL.
        meter: Counts rows as they are staged.
        numbered: Whether a last column holds each row's number in the load.
    """

    client: S3Client
    bucket: str
    prefix: str
    cleaner: Cleaner
    slices: int
    compression: str
    marker: str
    meter: Meter
    numbered: bool = False
    _parts: list[_Part] = field(default_factory=list)
    _conversions: Conversions = field(default_factory=Conversions)

    def stage(self, files: Sequence[LoadFile], load_id: int) -> Staged:
        """Stages files.

        Args:
            files: Their rows, in this order, are the load.
            load_id: Goes into every row.

        Raises:
            LakeError: A file cannot be read, S3 refused, or the local disk is full.
            WarehouseError: A value does not fit its column.
            MarkerCollisionError: A value equals the marker.
        """
        rows = sum(file.rows for file in files)
        plan = plan_parts(rows, sum(file.size for file in files), self.slices)
        self.meter.begin(rows, (None, None))
        workers = max(1, min(self.slices, os.cpu_count() or 1, 4))
        with ExitStack() as stack:
            folder = stack.enter_context(temporary_folder("load"))
            uploads = stack.enter_context(ThreadPoolExecutor(_UPLOADS, thread_name_prefix="put"))
            cutters = stack.enter_context(ThreadPoolExecutor(workers, thread_name_prefix="csv"))
            walk = stack.enter_context(
                fetched(self.client, files, folder, self.cleaner.landing.table)
            )
            source = _Source(walk, self.cleaner)
            with writing(folder.parent, table=self.cleaner.landing.table):
                tools = _Tools(folder, stack, cutters, uploads, workers)
                self._write(source, plan, tools, load_id)
        return self._finish()

    def _write(self, source: _Source, plan: PartPlan, tools: _Tools, load_id: int) -> None:
        cut = partial(self._cut, load_id=load_id)
        rounds = _Rounds(tools, self.compression, cut, self._upload)
        current = -1
        for number, part, rows in plan.blocks(_BLOCK_ROWS):
            if number != current:
                rounds.close()
                current = number
            writer = rounds.writer(number, part)
            for taken in source.take(rows):
                rounds.add(writer, taken)
        rounds.close()
        source.finish()
        self._parts.extend(rounds.sent())
        self._conversions.merge(rounds.conversions)

    def _cut(self, writer: PartWriter, rows: _Rows, load_id: int) -> Conversions:
        table, size = self.cleaner.landing.table, rows.block.num_rows
        with events.step(table, "csv"):
            arrays, counts = self.cleaner.clean(rows.block)
            arrays.extend(metadata_arrays(rows.block, rows.file, load_id))
            if self.numbered:
                arrays.append(pa.array(range(rows.first, rows.first + size), pa.int64()))
            text = encode(arrays, self.marker)
        with events.step(table, "compress"):
            writer.write(text, size)
        self.meter.add(rows=size)
        return counts

    def _upload(self, writer: PartWriter) -> _Part:
        key = self.prefix + writer.path.name
        with (
            events.step(self.cleaner.landing.table, "upload"),
            explained(f"writing s3://{self.bucket}/{key}"),
            writer.path.open("rb") as body,
        ):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body)
        size = writer.path.stat().st_size
        self.meter.add(bytes=size)
        writer.path.unlink()
        return _Part(key, size, writer.rows)

    def _finish(self) -> Staged:
        sizes = [(part.key, part.size) for part in self._parts]
        manifest = put_copy_manifest(self.client, self.bucket, self.prefix, sizes)
        return Staged(
            prefix=self.prefix,
            manifest=manifest,
            rows=sum(part.rows for part in self._parts),
            parts=len(self._parts),
            size=sum(part.size for part in self._parts),
            marker=self.marker,
            conversions=self._conversions,
        )


@dataclass(frozen=True)
class _Part:
    """A part that was sent: its key, its bytes, its rows."""

    key: str
    size: int
    rows: int


@dataclass(frozen=True)
class _Tools:
    """What a load works with: a folder, threads, and the stack that ends them."""

    folder: Path
    stack: ExitStack
    cutters: ThreadPoolExecutor
    uploads: ThreadPoolExecutor
    workers: int


@dataclass
class _Rounds:
    """The parts that are written at the same time, round after round.

    Attributes:
        cut: Writes rows to a part.
        upload: Sends a part that is whole.
        conversions: What the blocks that are done had to change.
    """

    tools: _Tools
    compression: str
    cut: Callable[[PartWriter, _Rows], Conversions]
    upload: Callable[[PartWriter], _Part]
    conversions: Conversions = field(default_factory=Conversions)
    _writers: dict[int, PartWriter] = field(default_factory=dict)
    _waiting: list[tuple[PartWriter, _Rows]] = field(default_factory=list)
    _running: list[Future[Conversions]] = field(default_factory=list)
    _uploads: list[Future[_Part]] = field(default_factory=list)
    _sent: list[_Part] = field(default_factory=list)

    def writer(self, number: int, part: int) -> PartWriter:
        """The writer of a part of the round, made when it is first asked for."""
        if part not in self._writers:
            name = f"part-{number:04d}-{part:04d}.csv{SUFFIX[self.compression]}"
            self._writers[part] = PartWriter(self.tools.folder / name, self.compression)
            self.tools.stack.callback(self._writers[part].discard)
        return self._writers[part]

    def add(self, writer: PartWriter, rows: _Rows) -> None:
        """Has rows cut, as soon as there is work for all threads."""
        if any(waiting is writer for waiting, _ in self._waiting):
            self._flush()
        self._waiting.append((writer, rows))
        if len(self._waiting) >= self.tools.workers:
            self._flush()

    def close(self) -> None:
        """Ends the round: its parts are sent while the next one is written."""
        self._flush()
        self._settle()
        while len(self._uploads) > 2 * len(self._writers):
            self._sent.append(self._uploads.pop(0).result())
        for writer in self._writers.values():
            writer.close()
            self._uploads.append(self.tools.uploads.submit(self.upload, writer))
        self._writers.clear()

    def sent(self) -> list[_Part]:
        """The parts that were sent, once all of them are."""
        return self._sent + [future.result() for future in self._uploads]

    def _settle(self) -> None:
        """Waits for the blocks in progress, so that no part has two of them."""
        for future in self._running:
            self.conversions.merge(future.result())
        self._running.clear()

    def _flush(self) -> None:
        self._settle()
        for writer, rows in self._waiting:
            self._running.append(self.tools.cutters.submit(self.cut, writer, rows))
        self._waiting.clear()


@dataclass(frozen=True)
class _Rows:
    """Some rows of a file; ``first`` is the number of the first one in the load."""

    file: LoadFile
    block: pa.RecordBatch
    first: int


class _Source:
    """Hands out the rows of all files in pieces of the size asked for."""

    def __init__(self, walk: Iterator[tuple[LoadFile, Path]], cleaner: Cleaner) -> None:
        self._stream = (
            (file, block)
            for file, path in walk
            for block in blocks(file, path, cleaner.landing.table)
        )
        self._left: tuple[LoadFile, pa.RecordBatch] | None = None
        self._number = 0

    def take(self, rows: int) -> Iterator[_Rows]:
        """Yields pieces that have ``rows`` rows together."""
        while rows:
            file, block = self._left or next(self._stream)
            piece = block.slice(0, rows)
            rest = block.slice(piece.num_rows)
            self._left = (file, rest) if rest.num_rows else None
            if piece.num_rows:
                yield _Rows(file, piece, self._number)
            self._number += piece.num_rows
            rows -= piece.num_rows

    def finish(self) -> None:
        """Reads on to the end, so that files without rows are looked at, too."""
        for _ in self._stream:
            pass

"""The rows of a COPY on their way from S3 to PostgreSQL, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redshift_stand_in.copy import parquet, source
from redshift_stand_in.copy.failures import LoadError
from redshift_stand_in.copy.source import SourceFile
from redshift_stand_in.copy.target import Target
from redshift_stand_in.copy.text import blocks, records, vectors
from redshift_stand_in.options.options import Options

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class TooManyErrors(Exception):  # noqa: N818
    """The number of records that could not be loaded has reached MAXERROR."""


@dataclass
class Load:
    """One COPY's rows, and what is reported about them afterwards.

    Attributes:
        client: for S3.
        files: what is loaded.
        target: where.
        options: how.
        errors: records that could not be loaded.
        lines: rows loaded, by file.
        rows: rows that went to PostgreSQL.
    """

    client: S3Client
    files: list[SourceFile]
    target: Target
    options: Options
    errors: list[LoadError] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def stream(self) -> Iterator[bytes]:
        """The rows as PostgreSQL's COPY reads them.

        Raises:
            TooManyErrors: see MAXERROR.
            StatementError: a file cannot be read.
        """
        return blocks.ahead(self._blocks)

    def _blocks(self) -> Iterator[bytes]:
        for file in self.files:
            self.lines[file.url] = 0
            if self.options.parquet:
                for data, count in parquet.read(self.client, file, self.target, self.options):
                    self._count(file, count)
                    yield data
            else:
                yield from self._text(file)

    def _text(self, file: SourceFile) -> Iterator[bytes]:
        options = self.options
        quote = options.quote if options.csv else None
        escape = "\\" if "ESCAPE" in options else None
        with source.opened(self.client, file, options) as stream:
            for block in blocks.cut(stream, quote, options.number("IGNOREHEADER"), escape=escape):
                data, count = self._convert(block, file)
                self._count(file, count)
                yield data

    def _convert(self, block: blocks.Block, file: SourceFile) -> tuple[bytes, int]:
        options, columns = self.options, self.target.columns
        by_row = "ESCAPE" in options or "REMOVEQUOTES" in options
        quote = options.quote if options.csv else None
        if not by_row and blocks.is_plain(block.data, quote, options.delimiter):
            try:
                data, count = vectors.convert(block.data, columns, options)
                return bytes(data), count
            except vectors.NotPlain:
                pass
        return records.convert(block, file.url, columns, options, self._report)

    def _report(self, error: LoadError) -> None:
        self.errors.append(error)
        if len(self.errors) >= max(1, self.options.number("MAXERROR")):
            raise TooManyErrors

    def _count(self, file: SourceFile, rows: int) -> None:
        self.rows += rows
        self.lines[file.url] += rows

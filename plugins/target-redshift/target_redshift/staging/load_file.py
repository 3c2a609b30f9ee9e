"""The Parquet files of a load: what is known of them, and how they are fetched."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.host.temporary_folder import writing
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.lake.parquet_reader import open_parquet, unreadable
from tidemark_core.names import TableName
from tidemark_core.s3.errors import explained
from tidemark_core.types.conversions import Conversions
from tidemark_singer.files.batch_file import BatchFile
from tidemark_singer.files.local_file import open_local

from target_redshift import events
from target_redshift.arrow import pc

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COMPARE = "compare it with its manifest; nothing from it was loaded"
_CHUNK = 8 * 1024 * 1024
#: Bytes of decoded rows that are handled at once, and the most rows that this may be.
_BLOCK_BYTES, _BLOCK_ROWS = 4 * 1024 * 1024, 8_192
#: The most that a block may be when every row has the longest value of its dictionary.
_DECODED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class LoadFile:
    """One Parquet file to load.

    Attributes:
        name: What the ledger calls it: the S3 key, or something unique for a local file.
        etag: As S3 gave it, or a hash of a local file's content.
        rows: Rows in it.
        size: Bytes.
        extracted_at: UTC time of the extraction.
        bucket: Bucket, for an object; empty for a local file.
        path: Path of a local file.
        run_id: The run that extracted it.
        manifest: Key of the manifest that committed it.
        conversions: Values that were changed when it was written, if it was written here.
    """

    name: str
    etag: str
    rows: int
    size: int
    extracted_at: datetime
    bucket: str = ""
    path: str = ""
    run_id: str = ""
    manifest: str = ""
    conversions: Conversions = field(default_factory=Conversions, compare=False)

    @classmethod
    def from_batch(
        cls, file: BatchFile, *, table: TableName, run_id: str, now: datetime
    ) -> LoadFile:
        """Reads a Parquet file of a BATCH message; facts that are missing are looked up.

        Raises:
            LakeError: It is not there, or not a Parquet file, or an object without the facts
                that a manifest gives.
        """
        facts = file.facts
        try:
            told = facts.get("extracted_at")
            moment = datetime.fromisoformat(told) if told else now
            extracted_at = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            if file.url.startswith("s3://"):
                bucket, key = file.s3_location
                return cls(
                    name=key,
                    etag=str(facts["etag"]).strip('"'),
                    rows=int(facts["rows"]),
                    size=int(facts.get("bytes", 0)),
                    extracted_at=extracted_at,
                    bucket=bucket,
                    run_id=str(facts.get("run_id", run_id)),
                    manifest=str(facts.get("manifest", "")),
                )
        except (KeyError, TypeError, ValueError) as error:
            raise LakeError(
                f"a BATCH message lacks required information about {file.url}: {error!r}",
                table=table,
                hint="read the lake with tap-s3-parquet",
            ) from error
        return local_file(Path(file.path), table=table, run_id=run_id, extracted_at=extracted_at)


def local_file(
    path: Path, *, table: TableName, run_id: str, extracted_at: datetime, name: str | None = None
) -> LoadFile:
    """Looks at a local Parquet file.

    Raises:
        LakeError: It is not there, or not a Parquet file.
    """
    try:
        with open_local(str(path), table) as file:
            rows = open_parquet(file, str(path), table, COMPARE).metadata.num_rows
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(str(path), table, error, COMPARE) from error
    return LoadFile(
        name=name or path.as_uri(),
        etag=f"sha256-{digest}",
        rows=rows,
        size=path.stat().st_size,
        extracted_at=extracted_at,
        path=str(path),
        run_id=run_id,
    )


def check_location(
    file: LoadFile, *, table: TableName, bucket: str, layout: LakeLayout, others: Sequence[str]
) -> None:
    """Refuses objects that are not this table's files in the lake.

    Args:
        file: An object or a local file.
        table: The stream's table.
        bucket: The lake's bucket.
        layout: The lake's key grammar.
        others: Further folders of the bucket that the operator allows.

    Raises:
        LakeError: It is somewhere else.
    """
    if not file.bucket:
        return
    if file.bucket != bucket:
        raise LakeError(
            f"a BATCH message names s3://{file.bucket}/…, which is not the lake's bucket {bucket}",
            table=table,
            hint="correct S3_BUCKET_NAME, or copy the file into the lake",
        )
    parts = file.name.split("/")
    if any(file.name.startswith(folder) for folder in others) and not {"", ".", ".."} & set(parts):
        return
    if layout.parse_data_key(file.name).table != table:
        raise LakeError(
            f"a BATCH message names {file.name!r}, a file of another table",
            table=table,
            hint="nothing from it was loaded; find out who wrote the manifest",
        )


@contextmanager
def fetched(
    client: S3Client, files: Sequence[LoadFile], folder: Path, table: TableName
) -> Iterator[Iterator[tuple[LoadFile, Path]]]:
    """Fetches files one ahead of the one that is read; each copy is removed after its turn."""
    with ThreadPoolExecutor(1, thread_name_prefix="fetch") as pool:

        def walk() -> Iterator[tuple[LoadFile, Path]]:
            ahead: Future[Path] | None = None
            for number, file in enumerate(files):
                path = ahead.result() if ahead else fetch(client, file, folder, number, table)
                ahead = None
                if number + 1 < len(files):
                    ahead = pool.submit(fetch, client, files[number + 1], folder, number + 1, table)
                yield file, path
                if file.bucket:
                    path.unlink()

        yield walk()


def fetch(client: S3Client, file: LoadFile, folder: Path, number: int, table: TableName) -> Path:
    """Fetches an object to the local disk; a local file is where it is.

    Raises:
        LakeError: It is gone or changed, S3 refused, or the disk is full.
    """
    if not file.bucket:
        return Path(file.path)
    path = folder / f"{number:06d}.part"
    what = f"reading s3://{file.bucket}/{file.name}"
    disk = writing(folder.parent, table=table)
    try:
        # The manifest's file or none: IfMatch refuses what was written over it since.
        with events.step(table, "fetch"), disk, explained(what), path.open("wb") as target:
            same: Any = {"IfMatch": file.etag} if file.etag else {}
            answer = client.get_object(Bucket=file.bucket, Key=file.name, **same)
            with closing(answer["Body"]) as body:
                if file.size and file.size != answer["ContentLength"]:
                    raise LakeError(
                        f"{file.name} has {answer['ContentLength']} bytes, its manifest says "
                        f"{file.size}",
                        table=table,
                        hint="nothing from it was loaded; find out who wrote the manifest",
                    )
                for chunk in body.iter_chunks(_CHUNK):
                    target.write(chunk)
    except TidemarkError as error:
        cause = error.__cause__
        code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
        if code in ("NoSuchKey", "PreconditionFailed"):
            state = "is missing" if code == "NoSuchKey" else "is not the committed version"
            raise LakeError(
                f"s3://{file.bucket}/{file.name} {state} (manifest {file.manifest or 'unknown'})",
                table=table,
                hint="restore that version of the object, or read the table again in full",
            ) from error
        raise
    return path


def blocks(file: LoadFile, path: Path, table: TableName) -> Iterator[pa.RecordBatch]:
    """Reads a file in blocks of bounded size.

    Raises:
        LakeError: It is damaged, or does not have the row count of its manifest.
    """
    try:
        with pq.ParquetFile(path) as parquet:
            metadata = parquet.metadata
            if metadata.num_rows != file.rows:
                raise LakeError(
                    f"{file.name} has {metadata.num_rows} rows, its manifest says {file.rows}",
                    table=table,
                    hint="nothing from it was loaded; read the table again in full",
                )
            found = parquet.iter_batches(batch_size=_rows_at_once(path, metadata))
            while True:
                with events.step(table, "read"):
                    block = next(found, None)
                if block is None:
                    return
                yield block
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file.name, table, error, COMPARE) from error


def _rows_at_once(path: Path, metadata: pq.FileMetaData) -> int:
    """Rows that surely take no more memory than a block may.

    Encoded sizes say what values take, except with dictionaries: they hold a value once, however
    many rows have it.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    rows = min(_BLOCK_ROWS, _BLOCK_BYTES * metadata.num_rows // max(1, size))
    longest = _longest_values(path, groups)
    return max(1, min(rows, _DECODED_BYTES // max(1, longest)))


def _longest_values(path: Path, groups: Sequence[pq.RowGroupMetaData]) -> int:
    """Bytes of the longest value of every dictionary, summed over a row's columns."""
    longest: Counter[str] = Counter()
    for number, group in enumerate(groups):
        chunks = [group.column(index) for index in range(group.num_columns)]
        names = [
            chunk.path_in_schema
            for chunk in chunks
            if chunk.has_dictionary_page
            and chunk.physical_type == "BYTE_ARRAY"
            # A value is no longer than all of them together.
            and chunk.total_uncompressed_size * _BLOCK_ROWS > _DECODED_BYTES
        ]
        if not names:
            continue
        with pq.ParquetFile(path, read_dictionary=names) as parquet:
            one = next(parquet.iter_batches(1, row_groups=[number], columns=names), None)
        for name, array in zip(one.schema.names, one.columns, strict=True) if one else ():
            if pa.types.is_dictionary(array.type):
                values: Any = array
                length = pc.max(pc.binary_length(values.dictionary)).as_py() or 0
                longest[name] = max(longest[name], length)
    return longest.total()

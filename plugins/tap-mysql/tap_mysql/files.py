"""Parquet files on their way to the lake: written in row groups, cut at a number of rows."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tidemark_core.errors import SourceError

_PREFIX = "tidemark-tap-"
#: Rows and bytes of a row group, whichever comes first: what a writer holds in memory.
_GROUP_ROWS, _GROUP_BYTES = 16_384, 32 * 2**20
#: A folder of a run that is no more, and that nobody has touched for so long, is left over.
_STALE_SECONDS = 24 * 3600


class TempFolder:
    """A run's folder for files on their way, mode 0700.

    Finished files stay when the run ends: their names are in the pipe, and the target removes them
    once they are uploaded. What an earlier run left and nobody needs any more is removed first.
    """

    def __init__(self, parent: str | None = None) -> None:
        base = Path(parent or tempfile.gettempdir())
        try:
            base.mkdir(parents=True, exist_ok=True)
            _remove_stale(base)
            self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=base))
        except OSError as error:
            raise SourceError(
                f"no folder for files can be made in {base}: {error.strerror}",
                hint="set BACKUP_TEMP_DIR to a folder with space",
            ) from error
        self._numbers = itertools.count(1)

    def new_file(self) -> Path:
        return self.path / f"{next(self._numbers):06d}.parquet"

    def close(self) -> None:
        """Removes the folder if nothing in it is waited for."""
        for unfinished in self.path.glob("*.part"):
            unfinished.unlink(missing_ok=True)
        if self.path.exists() and not any(self.path.iterdir()):
            self.path.rmdir()


def _remove_stale(base: Path) -> None:
    for folder in base.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            old = time.time() - folder.stat().st_mtime > _STALE_SECONDS
            empty = not any(folder.iterdir())
            if pid.isdigit() and not _is_alive(int(pid)) and (old or empty):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass
class FinishedFile:
    """A file that is complete.

    Attributes:
        path: Where it is.
        rows: Rows in it.
        last: Values of the order columns in its last row.
        least: Least replication key in it.
        greatest: Greatest replication key in it.
        changes: Values that were changed, by column and reason.
    """

    path: Path
    rows: int
    last: tuple[Any, ...] | None = None
    least: Any = None
    greatest: Any = None
    changes: dict[str, dict[str, int]] = field(default_factory=dict)


class FileWriter:
    """Writes one Parquet file: zstd, and no schema metadata but Parquet's own."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows = 0
        self._path = path
        self._part = path.with_suffix(".part")
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = 0
        self._writer = pq.ParquetWriter(
            self._part, schema, compression="zstd", version="2.6", store_schema=False
        )

    def write(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= _GROUP_ROWS or self._waiting_bytes >= _GROUP_BYTES:
            self._flush()

    def finish(self) -> Path:
        """Completes the file and gives it its name."""
        self._flush()
        self._writer.close()
        self._part.rename(self._path)
        return self._path

    def drop(self) -> None:
        """Removes what has been written."""
        self._waiting = []
        self._writer.close()
        self._part.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
            self._waiting = []
            self._waiting_rows = self._waiting_bytes = 0


def parquet_schema(names: Sequence[str], types: Sequence[pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in zip(names, types, strict=True)])

"""Tidemark's own columns of a block of rows. Pure."""

from __future__ import annotations

import pyarrow as pa
from tidemark_core.names import DELETED_AT, EXTRACTED_AT

from target_redshift.arrow import Array, nulls
from target_redshift.staging.load_file import LoadFile


def metadata_arrays(block: pa.RecordBatch, file: LoadFile, load_id: int) -> list[Array]:
    """Tidemark's own columns of a block: extraction time, deletion time, load."""
    size, kind = block.num_rows, pa.timestamp("us")
    extracted = _told(block, EXTRACTED_AT)
    if extracted is None:
        moment = pa.scalar(file.extracted_at.replace(tzinfo=None), kind)
        extracted = pa.repeat(moment, size)
    deleted = _told(block, DELETED_AT)
    return [
        extracted,
        nulls(size, kind) if deleted is None else deleted,
        pa.repeat(pa.scalar(load_id, pa.int64()), size),
    ]


def _told(block: pa.RecordBatch, name: str) -> Array | None:
    index = block.schema.get_field_index(name)
    return None if index < 0 else block.column(index).cast(pa.timestamp("us"))

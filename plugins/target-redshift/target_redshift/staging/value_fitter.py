"""Makes a block of Arrow columns fit its landing table; counts every value that had to change.

Pure: a block goes in, a block and counts come out, or an error that names the row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
from tidemark_core.errors import WarehouseError
from tidemark_core.text.printable import key_text
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import (
    MAX_VARBYTE_BYTES,
    MAX_VARCHAR_BYTES,
    ColumnType,
    varchar_bytes,
)
from tidemark_core.types.conversions import Conversions, Reason
from tidemark_core.types.super_columns import JSON, MAX_SUPER_BYTES

from target_redshift.arrow import Array, data_of, nulls, pc
from target_redshift.model.key_rules import unfit_key
from target_redshift.model.landing_table import Column, LandingTable
from target_redshift.model.schema_drift import rebuild_hint
from target_redshift.staging.super_values import (
    as_json_strings,
    null_documents,
    unfit_documents,
)

TooLong = Literal["stop", "null", "truncate"]
#: https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-... "single row size 4 MB"
MAX_ROW_BYTES = 4 * 1024 * 1024
#: The same of a table with SUPER columns: https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
MAX_SUPER_ROW_BYTES = 64 * 1024 * 1024


@dataclass
class Cleaner:
    """Fits blocks to a landing table.

    Attributes:
        landing: The table.
        too_long: What to do with text that is longer than its column.
        widths: Bytes that a text column of the warehouse really has, where it is wider than the
            source's type asks for.
    """

    landing: LandingTable
    too_long: TooLong = "stop"
    widths: dict[str, int] = field(default_factory=dict)

    def clean(self, block: pa.RecordBatch) -> tuple[list[Array], Conversions]:
        """Gives the landing table's source columns in its order.

        Args:
            block: Columns by their source names; one that is missing is NULL.

        Raises:
            WarehouseError: A value does not fit its column (table, column, key, length), a key
                would be changed, or a row is larger than COPY takes.
        """
        counts = Conversions()
        arrays = [self._column(block, column, counts) for column in self.landing.columns]
        self._check_rows(block, arrays)
        return arrays, counts

    def _column(self, block: pa.RecordBatch, column: Column, counts: Conversions) -> Array:
        index = block.schema.get_field_index(column.source)
        wanted = to_arrow(column.type)
        if index < 0:
            return nulls(block.num_rows, wanted)
        array = block.column(index)
        if array.type != wanted:
            array = self._cast(array, wanted, column)
        if column.key:
            self._check_key(block, array, column)
        if column.is_super:
            array = self._super(block, array, column, counts)
        elif column.is_text:
            array = self._text(block, array, column, counts)
        elif column.type.kind == "binary":
            self._check_binary(block, array, column, counts)
        return array

    def _check_key(self, block: pa.RecordBatch, array: Array, column: Column) -> None:
        if (found := unfit_key(array, column)) is not None:
            row, why = found
            raise key_error(self.landing, column.source, self.key_of(block, row), why)

    def _cast(self, array: Array, wanted: pa.DataType, column: Column) -> Array:
        try:
            return array.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise WarehouseError(
                f"the file has {array.type}, which cannot be converted to {column.type} without "
                "loss",
                table=self.landing.table,
                column=column.source,
                hint="compare the file with the schema in its manifest; read the table again",
            ) from error

    def _text(
        self, block: pa.RecordBatch, array: Array, column: Column, counts: Conversions
    ) -> Array:
        if holds_byte(array, 0):
            found = pc.match_substring(array, "\0")
            counts.count(column.source, Reason.NUL_REMOVED, pc.sum(found).as_py() or 0)
            array = pc.replace_substring(array, "\0", "")
        limit = self._width(column)
        lengths = pc.binary_length(array)
        longest = pc.max(lengths).as_py()
        if longest is None or longest <= limit:
            return array
        too_long = pc.fill_null(pc.greater(lengths, limit), False)
        if self.too_long == "stop" or column.key:
            row = pc.index(too_long, True).as_py()
            raise WarehouseError(
                f"a text of {lengths[row].as_py()} bytes does not fit {_fits(column, limit)}",
                table=self.landing.table,
                column=column.source,
                key=self.key_of(block, row),
                hint=_too_long_hint(self.landing, column, limit),
            )
        rows = pc.sum(too_long).as_py()
        if self.too_long == "null":
            counts.count(column.source, Reason.TOO_LONG_NULL, rows)
            return pc.if_else(too_long, pa.scalar(None, array.type), array)
        counts.count(column.source, Reason.TOO_LONG_TRUNCATED, rows)
        mask = too_long.to_numpy(zero_copy_only=False)
        cut = [_cut(text, limit) for text in array.filter(too_long).to_pylist()]
        return pc.replace_with_mask(array, pa.array(mask), pa.array(cut, array.type))

    def _width(self, column: Column) -> int:
        return self.widths.get(column.name) or varchar_bytes(column.type)

    def _super(
        self, block: pa.RecordBatch, array: Array, column: Column, counts: Conversions
    ) -> Array:
        if column.held != JSON:
            return as_json_strings(self._text(block, array, column, counts))
        found = null_documents(array)
        counts.count(column.source, Reason.JSON_NULL, pc.sum(found).as_py() or 0)
        array = pc.if_else(found, pa.scalar(None, array.type), array)
        long = pc.fill_null(pc.greater(pc.binary_length(array), MAX_SUPER_BYTES), False)
        why = dict.fromkeys(_rows(long), f"it is longer than {MAX_SUPER_BYTES:,} bytes")
        array = self._nulled(block, array, column, why)
        counts.count(column.source, Reason.TOO_LONG_NULL, len(why))
        why = unfit_documents(array, self._width(column))
        counts.count(column.source, Reason.UNFIT_JSON_NULL, len(why))
        return self._nulled(block, array, column, why)

    def _nulled(
        self, block: pa.RecordBatch, array: Array, column: Column, why: dict[int, str]
    ) -> Array:
        """Documents without those that SUPER cannot hold; an error if there may be none."""
        if not why:
            return array
        if self.too_long == "stop":
            row, reason = next(iter(why.items()))
            raise WarehouseError(
                f"SUPER cannot hold a JSON document unchanged: {reason}",
                table=self.landing.table,
                column=column.source,
                key=self.key_of(block, row),
                hint=f"take the column out of SUPER_COLUMNS, then: tidemark add "
                f"{self.landing.table}; or set REDSHIFT_TOO_LONG=null to load NULL in its place, "
                "which is counted",
            )
        mask = pa.array([row in why for row in range(len(array))])
        return pc.if_else(mask, pa.scalar(None, array.type), array)

    def _check_binary(
        self, block: pa.RecordBatch, array: Array, column: Column, counts: Conversions
    ) -> None:
        limit = binary_bytes(column.type)
        lengths = pc.binary_length(array)
        if empty := pc.sum(pc.equal(lengths, 0)).as_py():
            # COPY from CSV cannot express it: every empty field that is not text is NULL.
            counts.count(column.source, Reason.EMPTY_BINARY_NULL, empty)
        longest = pc.max(lengths).as_py()
        if longest is not None and longest > limit:
            row = pc.index(pc.greater(lengths, limit), True).as_py()
            raise WarehouseError(
                f"a value of {longest} bytes does not fit VARBYTE({limit})",
                table=self.landing.table,
                column=column.source,
                key=self.key_of(block, row),
                hint=f"exclude the column: '!{self.landing.table.stream}.{column.source}', then: "
                + rebuild_hint(self.landing.table),
            )

    def _check_rows(self, block: pa.RecordBatch, arrays: list[Array]) -> None:
        wide = [array for array in arrays if pa.types.is_string(array.type) or _is_binary(array)]
        # Quotes and hexadecimal digits double a value at worst.
        bounds = [pc.max(pc.binary_length(array)).as_py() or 0 for array in wide]
        most = MAX_SUPER_ROW_BYTES if self.landing.has_super else MAX_ROW_BYTES
        if 2 * sum(bounds) + 64 * len(arrays) <= most:
            return
        sizes = np.full(block.num_rows, 24 * (len(arrays) - len(wide)), dtype=np.int64)
        for array in wide:
            lengths = pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)
            sizes += lengths.astype(np.int64) * (2 if _is_binary(array) else 1) + 3
        row = int(sizes.argmax())
        if sizes[row] > most:
            raise WarehouseError(
                f"a row of {sizes[row]} bytes is larger than the {most} that COPY accepts",
                table=self.landing.table,
                key=self.key_of(block, row),
                hint="exclude its widest column with a select rule, then: "
                + rebuild_hint(self.landing.table),
            )

    def key_of(self, block: pa.RecordBatch, row: int) -> str | None:
        """The primary key of a row, for a message; None for tables without a key."""
        values = {
            column.source: block.column(index)[row].as_py()
            for column in self.landing.keys
            if (index := block.schema.get_field_index(column.source)) >= 0
        }
        return key_text(values)


def key_error(
    landing: LandingTable, column: str | None, key: str | None, why: str
) -> WarehouseError:
    """The error of a key that would be changed."""
    return WarehouseError(
        f"{why}; keys are never altered, so nothing was loaded",
        table=landing.table,
        column=column,
        key=key,
        hint="correct the row in the source, or choose another key in table-key-properties, then: "
        + rebuild_hint(landing.table),
    )


def _fits(column: Column, limit: int) -> str:
    return f"a string in SUPER ({limit} bytes)" if column.is_super else f"VARCHAR({limit})"


def _too_long_hint(landing: LandingTable, column: Column, limit: int) -> str:
    if column.key:
        return "keys are never truncated: exclude the table, or choose another key"
    again = f"source, then: {rebuild_hint(landing.table)}"
    hint = f"set REDSHIFT_TOO_LONG=truncate (or null) and run again, or shorten it in the {again}"
    if column.is_super and limit == MAX_VARCHAR_BYTES:
        return f"set enable_large_strings_opt_in in the warehouse's parameter group; or {hint}"
    return hint


def _rows(found: Array) -> list[int]:
    return [int(row) for row in np.flatnonzero(found.to_numpy(zero_copy_only=False))]


def binary_bytes(column: ColumnType) -> int:
    """Bytes that a ``binary`` column may take in Redshift."""
    return min(column.length or MAX_VARBYTE_BYTES, MAX_VARBYTE_BYTES)


def holds_byte(array: Array, byte: int) -> bool:
    """Whether a byte occurs anywhere in a text array; far quicker than asking each value."""
    return data_of(array).find(byte) >= 0


def _is_binary(array: Array) -> bool:
    return bool(pa.types.is_binary(array.type))


def _cut(text: str, limit: int) -> str:
    """Cuts a text to a number of bytes, between two characters."""
    return text.encode()[:limit].decode("utf-8", "ignore")

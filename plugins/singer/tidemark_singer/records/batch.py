"""Records of any tap, as Singer's JSON has them, to an Arrow record batch. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from tidemark_core.text.documents import Json
from tidemark_core.text.printable import key_text
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.conversions import Conversions

from tidemark_singer.records.values import UnfitValueError, first_changed, to_array


class RecordError(ValueError):
    """A record that cannot be taken as it is.

    Args:
        reason: Why, without the value.
        column: Its column.
        key: The record's key as messages show it; None without one.
    """

    def __init__(self, reason: str, column: str, key: str | None) -> None:
        super().__init__(reason)
        self.column, self.key = column, key


class ChangedKeyError(RecordError):
    """A value of a key would be changed on the way; the message names the reasons."""


@dataclass(frozen=True)
class RecordShape:
    """What the records of a stream become.

    Attributes:
        types: Every column's type, in order.
        texts: ``json`` columns in which a text is JSON already, and not a JSON string.
        keys: Columns of the key.
    """

    types: Mapping[str, ColumnType]
    texts: Collection[str]
    keys: Sequence[str] = ()

    @property
    def arrow(self) -> pa.Schema:
        """The batch's schema."""
        return pa.schema([pa.field(name, to_arrow(kind)) for name, kind in self.types.items()])

    def batch(self, records: Sequence[Json], conversions: Conversions) -> pa.RecordBatch:
        """Converts records.

        Args:
            records: As the SDK parses them; a property that is missing is NULL.
            conversions: Where changed values are counted.

        Raises:
            RecordError: A value does not fit its column's type.
            ChangedKeyError: A key would be changed.
        """
        arrays = [self._column(name, records, conversions) for name in self.types]
        return pa.RecordBatch.from_arrays(arrays, schema=self.arrow)

    def _column(
        self, name: str, records: Sequence[Json], conversions: Conversions
    ) -> pa.Array[Any]:
        kind, values = self.types[name], [record.get(name) for record in records]
        counts: Counter[str] = Counter()
        try:
            array = to_array(values, kind, is_text=name in self.texts, counts=counts)
        except UnfitValueError as error:
            raise RecordError(str(error), name, self._key(records[error.row])) from None
        if counts and name in self.keys:
            row = first_changed(values, kind)
            raise ChangedKeyError(", ".join(counts), name, self._key(records[row]))
        if counts:
            conversions.merge({name: counts})
        return array

    def _key(self, record: Json) -> str | None:
        return key_text({name: record.get(name) for name in self.keys})

"""Tidemark's extensions of a Singer schema: exact types, and how a table is read.

A property of ours carries its exact type as ``x-tidemark-type``, so that nothing is guessed on the
way. Schemas of other taps have no such mark and are read by the conventions of JSON schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemark_core.names import DELETED_AT, EXTRACTED_AT
from tidemark_core.text.documents import Json
from tidemark_core.types.column_type import (
    INTEGER_BYTES,
    MAX_PRECISION,
    TEXT,
    TIMESTAMP,
    ColumnType,
    decimal,
)

ANNOTATION = "x-tidemark-type"
#: Of text: whether trailing blanks do not count in the source either (PAD SPACE collations).
PADDED = "x-tidemark-padded"
#: Of a whole schema: how its rows are read, in the words of Singer's metadata.
METHOD = "x-tidemark-replication-method"
INCREMENTAL, FULL_TABLE, LOG_BASED = "INCREMENTAL", "FULL_TABLE", "LOG_BASED"
#: Columns in which a tap may put metadata of its records.
#: https://sdk.meltano.com/en/latest/implementation/record_metadata.html
SINGER_METADATA = frozenset(
    {
        EXTRACTED_AT,
        DELETED_AT,
        "_sdc_received_at",
        "_sdc_batched_at",
        "_sdc_sequence",
        "_sdc_table_version",
        "_sdc_sync_started_at",
    }
)

#: What each row of a LOG_BASED stream carries after the table's columns: when it was read, and when
#: it was found deleted. The first tells its versions apart.
ROW_METADATA: Mapping[str, Json] = {
    name: {"type": ["string", "null"], "format": "date-time"} for name in (EXTRACTED_AT, DELETED_AT)
}


def to_json_schema(column: ColumnType, *, nullable: bool = True) -> dict[str, Any]:
    """The property of a Singer schema; the exact type is in ``x-tidemark-type``."""
    schema: dict[str, object] = {}
    if column.kind in INTEGER_BYTES:
        limit = 1 << (8 * INTEGER_BYTES[column.kind] - 1)
        kind, schema = "integer", {"minimum": -limit, "maximum": limit - 1}
    elif column.kind in ("float32", "float64"):
        kind = "number"
    elif column.kind == "decimal":
        # A string: JSON numbers pass through floats in most targets and lose digits there.
        kind = "string"
        schema = {
            "format": "singer.decimal",
            "precision": column.precision,
            "scale": column.scale,
        }
    elif column.kind == "boolean":
        kind = "boolean"
    else:
        kind = "string"
        if column.kind == "date":
            schema = {"format": "date"}
        elif column.kind == "timestamp":
            schema = {"format": "date-time"}
        elif column.kind == "binary":
            schema = {"contentEncoding": "base64"}
        elif column.kind == "string" and column.length is not None:
            schema = {"maxLength": column.length}
    return {"type": [kind, "null"] if nullable else [kind], **schema, ANNOTATION: str(column)}


def is_metadata(name: str, declared: Json) -> bool:
    """Whether a property is a Singer tap's metadata of the record, and not a source column.

    A column that our own taps have read may have any name. It is never taken for metadata.
    """
    return name in SINGER_METADATA and ANNOTATION not in declared


def replication_method(schema: Any) -> str | None:
    """How a stream's rows are read, by its schema; None if it does not say, as another tap's."""
    told = schema.get(METHOD) if isinstance(schema, Mapping) else None
    return told if isinstance(told, str) else None


def from_json_schema(schema: Json) -> ColumnType:
    """The type of a Singer property: its annotation, else what JSON schema says of it.

    Raises:
        ConfigError: The annotation is not a type of this map.
    """
    annotation = schema.get(ANNOTATION)
    if annotation is not None:
        return ColumnType.parse(str(annotation))
    for option in schema.get("anyOf", schema.get("oneOf", [])):
        if option.get("type") not in ("null", ["null"]):
            return from_json_schema(option)
    declared = schema.get("type", "string")
    kinds = [declared] if isinstance(declared, str) else list(declared)
    for kind, read in _JSON_KINDS:
        if kind in kinds:
            return read(schema)
    return TEXT


def _json_integer(schema: Json) -> ColumnType:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        for kind, size in INTEGER_BYTES.items():
            limit = 1 << (8 * size - 1)
            if -limit <= low and high < limit:
                return ColumnType(kind)
        return decimal(20, 0)
    return ColumnType("int64")


def _json_number(schema: Json) -> ColumnType:
    step = schema.get("multipleOf")
    if step is None:
        return ColumnType("float64")
    mantissa, _, exponent = f"{step:e}".partition("e")
    scale = max(0, -int(exponent) + len(mantissa.rstrip("0").partition(".")[2]))
    return decimal(MAX_PRECISION, scale)


def _json_string(schema: Json) -> ColumnType:
    form = schema.get("format")
    if form == "date-time":
        return TIMESTAMP
    if form == "date":
        return ColumnType("date")
    if form == "singer.decimal":
        return decimal(schema.get("precision", MAX_PRECISION), schema.get("scale", 9))
    return ColumnType("string", length=schema.get("maxLength"))


_JSON_KINDS = (
    ("object", lambda _: ColumnType("json")),
    ("array", lambda _: ColumnType("json")),
    ("string", _json_string),
    ("number", _json_number),
    ("integer", _json_integer),
    ("boolean", lambda _: ColumnType("boolean")),
)

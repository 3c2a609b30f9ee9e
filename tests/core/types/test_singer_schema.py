from __future__ import annotations

import pytest
from tidemark_core.errors import ConfigError
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import from_json_schema, to_json_schema

TYPES = [
    *("int8", "int16", "int32", "int64", "float32", "float64", "date", "boolean", "json"),
    *("string", "string(0)", "string(20)", "binary", "binary(16)", "timestamp(0)", "timestamp(6)"),
    *("decimal(1,0)", "decimal(10,2)", "decimal(38,37)"),
]


@pytest.mark.parametrize("text", TYPES)
@pytest.mark.parametrize("nullable", [True, False])
def test_types_come_back_from_a_schema(text: str, nullable: bool) -> None:
    schema = to_json_schema(ColumnType.parse(text), nullable=nullable)
    assert from_json_schema(schema) == ColumnType.parse(text)
    assert ("null" in schema["type"]) == nullable


def test_an_annotation_outside_the_map_is_refused() -> None:
    with pytest.raises(ConfigError, match="decimal"):
        from_json_schema({"type": "string", "x-tidemark-type": "decimal(39,0)"})


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": ["null", "integer"]}, "int64"),
        ({"type": "integer", "minimum": -32768, "maximum": 32767}, "int16"),
        ({"type": "integer", "minimum": 0, "maximum": 2**64 - 1}, "decimal(20,0)"),
        ({"type": ["null", "number"]}, "float64"),
        ({"type": ["null", "number"], "multipleOf": 0.01}, "decimal(38,2)"),
        ({"type": ["null", "number"], "multipleOf": 1e-10}, "decimal(38,10)"),
        ({"type": ["null", "string"], "maxLength": 32}, "string(32)"),
        ({"type": ["null", "string"], "format": "date-time"}, "timestamp(6)"),
        ({"type": ["null", "string"], "format": "date"}, "date"),
        (
            {"type": ["null", "string"], "format": "singer.decimal", "precision": 9, "scale": 2},
            "decimal(9,2)",
        ),
        ({"type": ["null", "string"]}, "string"),
        ({"type": ["object", "null"]}, "json"),
        ({"type": ["array"]}, "json"),
        ({"type": ["null", "boolean"]}, "boolean"),
        ({"anyOf": [{"type": "null"}, {"type": "string", "format": "date"}]}, "date"),
        ({}, "string"),
    ],
)
def test_the_schemas_of_other_taps(schema: dict[str, object], text: str) -> None:
    assert str(from_json_schema(schema)) == text

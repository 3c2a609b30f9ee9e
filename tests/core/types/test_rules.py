"""Each rule of the type map by itself: without any one of them a line here fails."""

from __future__ import annotations

from typing import Any

import pytest
from tidemark_core.errors import ConfigError
from tidemark_core.types.column_type import ColumnType, MySQLColumn, from_mysql, to_redshift
from tidemark_core.types.singer_schema import from_json_schema, to_json_schema


@pytest.mark.parametrize(
    ("data_type", "text"),
    [
        *((name, "string") for name in ("tinytext", "text", "mediumtext", "longtext")),
        *(("uuid", "string(36)"), ("inet4", "string(15)"), ("inet6", "string(39)")),
        *(("tinyblob", "binary(255)"), ("blob", "binary(65535)")),
        *((name, "binary") for name in ("mediumblob", "longblob", "geometry", "point")),
        *((name, "binary") for name in ("linestring", "polygon", "multipoint")),
        *((name, "binary") for name in ("multilinestring", "multipolygon")),
        *((name, "binary") for name in ("geometrycollection", "geomcollection")),
        *(("mediumint", "int32"), ("MEDIUMINT", "int32")),
    ],
)
def test_a_type_is_known_by_its_name(data_type: str, text: str) -> None:
    assert str(from_mysql(MySQLColumn(data_type, data_type))) == text


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (MySQLColumn("numeric", "numeric(7,2)", precision=7, scale=2), "decimal(7,2)"),
        (MySQLColumn("decimal", "decimal"), "decimal(10,0)"),
        (MySQLColumn("varbinary", "varbinary(9)", length=9), "binary(9)"),
        (MySQLColumn("datetime", "datetime"), "timestamp(0)"),
    ],
)
def test_a_type_takes_its_facts(column: MySQLColumn, text: str) -> None:
    assert str(from_mysql(column)) == text


def test_a_boolean_of_another_tap_is_a_boolean_in_the_warehouse() -> None:
    assert to_redshift(ColumnType("boolean")) == "BOOLEAN"


@pytest.mark.parametrize(
    ("length", "varbyte"),
    [(None, 1_024_000), (0, 1), (1, 1), (2, 2), (1_024_000, 1_024_000), (2_000_000, 1_024_000)],
)
def test_varbyte_has_a_least_and_a_greatest_length(length: int | None, varbyte: int) -> None:
    """AWS, VARBYTE type: 1 to 1,024,000 bytes."""
    assert to_redshift(ColumnType("binary", length=length)) == f"VARBYTE({varbyte})"


@pytest.mark.parametrize("text", ["decimal(38,37)", "decimal(38,0)", "decimal(1,1)"])
def test_a_decimal_of_the_greatest_precision_is_one(text: str) -> None:
    assert str(ColumnType.parse(text)) == text


@pytest.mark.parametrize("text", ["string(3,1)", "binary(3,1)", "timestamp(3,1)", "decimal(3)"])
def test_a_type_with_too_many_or_too_few_numbers_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        ColumnType.parse(text)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("int8", {"type": ["integer"], "minimum": -(2**7), "maximum": 2**7 - 1}),
        ("int16", {"type": ["integer"], "minimum": -(2**15), "maximum": 2**15 - 1}),
        ("int32", {"type": ["integer"], "minimum": -(2**31), "maximum": 2**31 - 1}),
        ("int64", {"type": ["integer"], "minimum": -(2**63), "maximum": 2**63 - 1}),
        ("float32", {"type": ["number"]}),
        ("float64", {"type": ["number"]}),
        (
            "decimal(9,2)",
            {"type": ["string"], "format": "singer.decimal", "precision": 9, "scale": 2},
        ),
        ("boolean", {"type": ["boolean"]}),
        ("date", {"type": ["string"], "format": "date"}),
        ("timestamp(3)", {"type": ["string"], "format": "date-time"}),
        ("binary(4)", {"type": ["string"], "contentEncoding": "base64"}),
        ("string(20)", {"type": ["string"], "maxLength": 20}),
        ("string", {"type": ["string"]}),
        ("json", {"type": ["string"]}),
    ],
)
def test_what_any_other_target_reads_in_a_schema(text: str, schema: dict[str, Any]) -> None:
    told = {**schema, "x-tidemark-type": text}
    kind = ColumnType.parse(text)
    assert to_json_schema(kind, nullable=False) == told
    assert to_json_schema(kind) == {**told, "type": [*schema["type"], "null"]}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer", "minimum": -128, "maximum": 127}, "int8"),
        ({"type": "integer", "minimum": -129, "maximum": 0}, "int16"),
        ({"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}, "int32"),
        ({"type": "integer", "minimum": -(2**31), "maximum": 2**31}, "int64"),
        ({"type": "integer", "minimum": 5}, "int64"),
        ({"type": "integer", "maximum": 5}, "int64"),
        ({"type": "number", "multipleOf": 100}, "decimal(38,0)"),
        ({"type": "number", "multipleOf": 0.125}, "decimal(38,3)"),
        ({"type": ["null"]}, "string"),
        ({"oneOf": [{"type": ["null"]}, {"type": "boolean"}]}, "boolean"),
        ({"type": "string", "format": "singer.decimal"}, "decimal(38,9)"),
    ],
)
def test_the_edges_of_other_taps_schemas(schema: dict[str, Any], text: str) -> None:
    assert str(from_json_schema(schema)) == text

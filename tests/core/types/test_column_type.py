from __future__ import annotations

import contextlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.errors import ConfigError
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import (
    ColumnType,
    MySQLColumn,
    decimal,
    from_mysql,
    to_redshift,
)


def column(column_type: str, **facts: int) -> MySQLColumn:
    return MySQLColumn(column_type.split("(")[0].split(" ")[0], column_type, **facts)


@pytest.mark.parametrize(
    ("mysql", "text", "arrow", "redshift"),
    [
        (column("tinyint(4)"), "int8", pa.int8(), "SMALLINT"),
        (column("tinyint(1)"), "int8", pa.int8(), "SMALLINT"),
        (column("tinyint(3) unsigned"), "int16", pa.int16(), "SMALLINT"),
        (column("smallint(6)"), "int16", pa.int16(), "SMALLINT"),
        (column("smallint(5) unsigned"), "int32", pa.int32(), "INTEGER"),
        (column("mediumint(8) unsigned"), "int32", pa.int32(), "INTEGER"),
        (column("int(11)"), "int32", pa.int32(), "INTEGER"),
        (column("int(10) unsigned"), "int64", pa.int64(), "BIGINT"),
        (column("bigint(20)"), "int64", pa.int64(), "BIGINT"),
        (column("bigint(20) unsigned"), "decimal(20,0)", pa.decimal128(20, 0), "NUMERIC(20,0)"),
        (column("bit(1)", precision=1), "int8", pa.int8(), "SMALLINT"),
        (column("bit(64)", precision=64), "decimal(20,0)", pa.decimal128(20, 0), "NUMERIC(20,0)"),
        (
            column("decimal(10,3)", precision=10, scale=3),
            "decimal(10,3)",
            pa.decimal128(10, 3),
            "NUMERIC(10,3)",
        ),
        (
            column("decimal(38,37)", precision=38, scale=37),
            "decimal(38,37)",
            pa.decimal128(38, 37),
            "NUMERIC(38,37)",
        ),
        (
            column("decimal(38,38)", precision=38, scale=38),
            "string(41)",
            pa.string(),
            "VARCHAR(164)",
        ),
        (
            column("decimal(65,30)", precision=65, scale=30),
            "string(68)",
            pa.string(),
            "VARCHAR(272)",
        ),
        (column("float"), "float32", pa.float32(), "REAL"),
        (column("double"), "float64", pa.float64(), "DOUBLE PRECISION"),
        (column("varchar(255)", length=255), "string(255)", pa.string(), "VARCHAR(1020)"),
        (column("varchar(20000)", length=20000), "string(20000)", pa.string(), "VARCHAR(65535)"),
        (column("varchar(0)", length=0), "string(0)", pa.string(), "VARCHAR(1)"),
        (column("char(3)", length=3), "string(3)", pa.string(), "VARCHAR(12)"),
        (column("text", length=65535), "string", pa.string(), "VARCHAR(65535)"),
        (column("enum('a','b')", length=1), "string", pa.string(), "VARCHAR(65535)"),
        (column("set('a','b')", length=3), "string", pa.string(), "VARCHAR(65535)"),
        (column("json"), "json", pa.string(), "VARCHAR(65535)"),
        (column("binary(16)", length=16), "binary(16)", pa.binary(), "VARBYTE(16)"),
        (column("longblob", length=4294967295), "binary", pa.binary(), "VARBYTE(1024000)"),
        (column("point"), "binary", pa.binary(), "VARBYTE(1024000)"),
        (column("date"), "date", pa.date32(), "DATE"),
        (column("datetime", datetime_precision=0), "timestamp(0)", pa.timestamp("us"), "TIMESTAMP"),
        (
            column("timestamp(6)", datetime_precision=6),
            "timestamp(6)",
            pa.timestamp("us"),
            "TIMESTAMP",
        ),
        (column("time(6)", datetime_precision=6), "string(17)", pa.string(), "VARCHAR(68)"),
        (column("year(4)"), "int16", pa.int16(), "SMALLINT"),
    ],
)
def test_the_map(mysql: MySQLColumn, text: str, arrow: pa.DataType, redshift: str) -> None:
    mapped = from_mysql(mysql)
    assert str(mapped) == text
    assert to_arrow(mapped) == arrow
    assert to_redshift(mapped) == redshift


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"vector\(3\)"):
        from_mysql(column("vector(3)"))


types = st.one_of(
    st.sampled_from(["int8", "int16", "int32", "int64", "float32", "float64", "date"]).map(
        ColumnType
    ),
    st.sampled_from(["boolean", "json", "string", "binary"]).map(ColumnType),
    st.builds(lambda n: ColumnType("string", length=n), st.integers(0, 10**6)),
    st.builds(lambda n: ColumnType("binary", length=n), st.integers(0, 10**6)),
    st.builds(lambda n: ColumnType("timestamp", precision=n), st.integers(0, 6)),
    st.integers(1, 38).flatmap(lambda p: st.integers(0, min(p, 37)).map(lambda s: decimal(p, s))),
)


@given(types)
def test_types_come_back_from_text(column_type: ColumnType) -> None:
    assert ColumnType.parse(str(column_type)) == column_type
    to_arrow(column_type)
    assert to_redshift(column_type)


@given(st.text(max_size=20))
def test_no_text_breaks_the_grammar(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert str(ColumnType.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "decimal(39,0)",
        "decimal(10,11)",
        "decimal(38,38)",
        "decimal",
        "decimal(0,0)",
        "timestamp",
        "timestamp(7)",
        "int8(3)",
        "varchar(3)",
        "string(-1)",
        "string(1) ",
    ],
)
def test_a_type_outside_the_map_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        ColumnType.parse(text)

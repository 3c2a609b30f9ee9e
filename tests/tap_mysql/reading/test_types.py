"""Each MySQL type by its edge values: what Parquet holds is what MySQL itself answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tap_mysql.reading.conversion import Converter

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source


@dataclass(frozen=True)
class Case:
    """A column type, its edge values as SQL, the Arrow type, and the list's numbers it proves.

    Attributes:
        only: The server that has the type; empty: both.
    """

    sql: str
    values: tuple[str, ...]
    arrow: pa.DataType
    faults: tuple[int, ...] = ()
    only: str = ""


U64 = pa.decimal128(20, 0)
CASES = (
    Case("TINYINT", ("-128", "127"), pa.int8()),
    Case("TINYINT UNSIGNED", ("0", "255"), pa.int16()),
    Case("TINYINT(1)", ("2", "-1", "0"), pa.int8(), (82,)),
    Case("SMALLINT", ("-32768", "32767"), pa.int16()),
    Case("SMALLINT UNSIGNED", ("65535",), pa.int32()),
    Case("MEDIUMINT", ("-8388608", "8388607"), pa.int32()),
    Case("MEDIUMINT UNSIGNED", ("16777215",), pa.int32()),
    Case("INT", ("-2147483648", "2147483647"), pa.int32()),
    Case("INT UNSIGNED ZEROFILL", ("4294967295", "7"), pa.int64()),
    Case("BIGINT", ("-9223372036854775808", "9223372036854775807"), pa.int64()),
    Case("BIGINT UNSIGNED", ("18446744073709551615", "0"), U64, (81,)),
    Case("BIT(1)", ("b'1'", "b'0'"), pa.int8()),
    Case("BIT(8)", ("7", "255"), U64),
    Case("BIT(64)", ("18446744073709551615", "0"), U64, (81,)),
    Case("DECIMAL(10,2)", ("-99999999.99", "0.01", "-0.01", "0"), pa.decimal128(10, 2)),
    Case("DECIMAL(15,12)", ("123.123456789012", "-0.000000000001"), pa.decimal128(15, 12)),
    Case("DECIMAL(18,18)", ("0.999999999999999999", "-0.000000000000000001"),
         pa.decimal128(18, 18)),
    Case("DECIMAL(18,0)", ("-999999999999999999", "1"), pa.decimal128(18, 0)),
    Case("DECIMAL(19,4)", ("-999999999999999.9999", "0.0001"), pa.decimal128(19, 4)),
    Case("DECIMAL(30,2)", ("9999999999999999999999999999.99", "-1.5"), pa.decimal128(30, 2)),
    Case("DECIMAL(38,0)", ("9" * 38, "-" + "9" * 38), pa.decimal128(38, 0)),
    Case("DECIMAL(38,37)", ("-9." + "9" * 37, "0"), pa.decimal128(38, 37), (), "mariadb"),
    Case("DECIMAL(38,30)", ("-99999999." + "9" * 30, "0"), pa.decimal128(38, 30)),
    Case("DECIMAL(38,38)", ("-0." + "9" * 38, "0"), pa.string(), (83,), "mariadb"),
    Case("DECIMAL(65,30)", ("9" * 35 + "." + "9" * 30, "-1.5"), pa.string(), (83,)),
    Case("FLOAT", ("3.402823466e38", "1.175494351e-38", "-0.1", "1e-45"), pa.float32(), (84,)),
    Case("DOUBLE", ("1.7976931348623157e308", "2.2250738585072014e-308", "1e-300", "0.1"),
         pa.float64(), (84,)),
    Case("DATE", ("'0001-01-01'", "'9999-12-31'", "'2024-02-29'"), pa.date32(), (77,)),
    Case("DATETIME", ("'9999-12-31 23:59:59'", "'0001-01-01 00:00:00'"), pa.timestamp("us"),
         (77,)),
    Case("DATETIME(3)", ("'2024-01-01 01:02:03.456'",), pa.timestamp("us"), (6,)),
    Case("DATETIME(6)", ("'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"),
         pa.timestamp("us"), (77,)),
    Case("TIMESTAMP(6) NULL", ("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"),
         pa.timestamp("us"), (78,)),
    Case("TIME", ("'-838:59:59'", "'838:59:59'", "'00:00:00'"), pa.string(), (79,)),
    Case("TIME(6)", ("'-838:59:58.999999'", "'12:00:00.000001'"), pa.string(), (79,)),
    Case("YEAR", ("0", "1901", "2155"), pa.int16(), (80,)),
    Case("CHAR(5)", ("'a'", "'  b'", "'é😀'"), pa.string(), (88, 97)),
    Case("VARCHAR(40)", ("''", "'NULL'", "'\\\\N'", "'  edge  '", "'😀'"), pa.string(),
         (88, 93, 94)),
    Case("VARCHAR(60)", ("'a\\r\\nb\\tc,d\"e\\\\f|g'", "'a\\0b'", "'it''s'"), pa.string(),
         (91, 92)),
    Case("VARCHAR(20) CHARACTER SET latin1", ("'é'", "'ÿ'"), pa.string(), (89,)),
    Case("VARCHAR(20) CHARACTER SET euckr", ("'한글'",), pa.string(), (89,)),
    Case("VARCHAR(20) CHARACTER SET utf16", ("'a😀'",), pa.string(), (89,)),
    Case("VARCHAR(20) CHARACTER SET utf8mb3", ("'é'",), pa.string()),
    Case("TINYTEXT", ("'x'",), pa.string()),
    Case("MEDIUMTEXT", ("REPEAT('é', 100000)",), pa.string()),
    Case("LONGTEXT", ("'x'", "''"), pa.string()),
    Case("ENUM('a','b','')", ("'a'", "''", "'b'"), pa.string(), (85,)),
    Case("SET('a','b')", ("'a,b'", "''", "'b'"), pa.string(), (85,)),
    Case("JSON", ("'{\"bb\": 12345678901234567890, \"a\": [1.0, null, 1e300]}'", "'null'",
                  "'{\"d\": 1234567890123456789012, \"c\": \"é\"}'"), pa.string(), (86,)),
    Case("UUID", ("'0f8fad5b-d9cb-469f-a165-70867728950e'",), pa.string(), (), "mariadb"),
    Case("INET4", ("'192.0.2.1'",), pa.string(), (), "mariadb"),
    Case("INET6", ("'2001:db8::1'",), pa.string(), (), "mariadb"),
    Case("BINARY(4)", ("'a'", "x'00'"), pa.binary(), (87,)),
    Case("VARBINARY(10)", ("x'ff0000'", "''"), pa.binary(), (87,)),
    Case("BLOB", ("x'00ff00'", "''"), pa.binary(), (87,)),
    Case("LONGBLOB", ("REPEAT(x'fe00', 100000)",), pa.binary(), (87,)),
    Case("POINT", ("ST_GeomFromText('POINT(1 2)')",), pa.binary(), (87,)),
    Case("TINYBLOB", ("x'00ff00'",), pa.binary(), (87,)),
    Case("MEDIUMBLOB", ("x'00ff00'",), pa.binary(), (87,)),
    Case("LINESTRING", ("ST_GeomFromText('LINESTRING(0 0,1 1)')",), pa.binary(), (87,)),
    Case("POLYGON", ("ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')",), pa.binary(), (87,)),
    Case("MULTIPOINT", ("ST_GeomFromText('MULTIPOINT(0 0,1 1)')",), pa.binary(), (87,)),
    Case("MULTILINESTRING", ("ST_GeomFromText('MULTILINESTRING((0 0,1 1))')",), pa.binary(), (87,)),
    Case("MULTIPOLYGON", ("ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))')",),
         pa.binary(), (87,)),
    Case("GEOMETRYCOLLECTION", ("ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))')",),
         pa.binary(), (87,)),
    Case("GEOMETRY", ("ST_GeomFromText('LINESTRING(0 0,1 1)')",), pa.binary(), (87,)),
)  # fmt: skip
ROWS = max(len(case.values) for case in CASES) + 1


def cases_of(source: Source) -> list[Case]:
    """The types that this server has."""
    return [case for case in CASES if case.only in ("", source.sandbox.config.server)]


def answer(case: Case, name: str) -> str:
    """SQL for MySQL's own answer, in a form that needs no driver's types."""
    kind = case.sql.split("(")[0].split()[0]
    if "ST_GeomFromText" in case.values[0]:
        return f"HEX(ST_AsBinary({name}))"
    if "BLOB" in kind or "BINARY" in kind:
        return f"HEX({name})"
    if kind == "BIT":
        return f"CAST(CAST({name} AS UNSIGNED) AS CHAR)"
    if kind in ("FLOAT", "DOUBLE"):
        return f"{name} + 0e0"
    if kind in ("DATETIME", "TIMESTAMP"):
        return f"CAST(CAST({name} AS DATETIME(6)) AS CHAR)"
    if kind in ("CHAR", "VARCHAR", "ENUM", "SET", "JSON") or "TEXT" in kind:
        return f"HEX(CONVERT({name} USING utf8mb4))"
    if "ZEROFILL" in case.sql or kind == "YEAR":
        return f"CAST({name} + 0 AS CHAR)"
    if kind in ("UUID", "INET4", "INET6"):
        return f"HEX(CAST({name} AS CHAR))"
    return f"CAST({name} AS CHAR)"


def shown(case: Case, value: Any) -> Any:
    """A value of the Parquet file in the form of `answer`."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, str) and not case.sql.startswith(("TIME", "DECIMAL")):
        return value.encode().hex().upper()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@pytest.fixture
def every_type(source: Source) -> tuple[Source, pa.Table]:
    """All types in one table."""
    cases = cases_of(source)
    columns = [f"c{i} {case.sql}" for i, case in enumerate(cases)]
    source.make("types", f"id INT PRIMARY KEY, {', '.join(columns)}")
    names = ", ".join(f"c{i}" for i in range(len(cases)))
    for row in range(ROWS):
        values = [case.values[row] if row < len(case.values) else "NULL" for case in cases]
        source.sql(f"INSERT INTO types (id, {names}) VALUES ({row}, {', '.join(values)})")
    return source, source.read("types").table("types").sort_by("id")


def test_every_type_is_what_mysql_says(every_type: tuple[Source, pa.Table]) -> None:
    source, table = every_type
    cases = cases_of(source)
    asked = ", ".join(answer(case, f"c{i}") for i, case in enumerate(cases))
    # The same session time zone as the tap's; SELECT of TIMESTAMP depends on it.
    told = source.sql_with("time_zone = '+00:00'", f"SELECT {asked} FROM types ORDER BY id")
    for i, case in enumerate(cases):
        column = table.column(f"c{i}")
        assert column.type == case.arrow, case.sql
        read = [shown(case, value) for value in column.to_pylist()]
        assert read == [row[i] for row in told], case.sql
        assert any(value is not None for value in read), case.sql


for _number in sorted({number for case in CASES for number in case.faults}):
    test_every_type_is_what_mysql_says = pytest.mark.fault(_number)(
        test_every_type_is_what_mysql_says
    )


ZERO = (
    "(1, '0000-00-00', '0000-00-00 00:00:00', 'kept')",
    "(2, '2022-11-00', '2022-00-03 01:02:03', 'kept')",
    "(3, '2022-02-30', '2024-01-01 00:00:00', 'kept')",
    "(4, NULL, '2023-02-28 00:00:00', 'kept')",
)


@pytest.fixture
def zeros(source: Source) -> Source:
    source.make("z", "id INT PRIMARY KEY, d DATE, m DATETIME NOT NULL, v VARCHAR(9)")
    for row in ZERO:
        source.sql_with("sql_mode = 'ALLOW_INVALID_DATES'", f"INSERT INTO z VALUES {row}")
    return source


@pytest.mark.fault(76)
def test_dates_that_no_calendar_has_become_null_and_are_counted(zeros: Source) -> None:
    result = zeros.read("z")
    rows = {row["id"]: row for row in result.rows("z")}
    assert [rows[i]["d"] for i in (1, 2, 3, 4)] == [None] * 4
    assert [rows[i]["m"] for i in (1, 2)] == [None] * 2
    assert rows[3]["m"] == datetime(2024, 1, 1)
    assert {row["v"] for row in rows.values()} == {"kept"}
    (file,) = result.files("z")
    assert file.facts["conversions"] == {"d": {"zero_date": 3}, "m": {"zero_date": 2}}


@pytest.mark.fault(76)
@pytest.mark.parametrize("moment", ["0000-03-01", "0000-12-31"])
def test_a_day_of_year_0_is_no_date_either(source: Source, moment: str) -> None:
    source.make("y", "id INT PRIMARY KEY, d DATE, m DATETIME", f"(1, '{moment}', '{moment}')")
    result = source.read("y")
    assert [(row["d"], row["m"]) for row in result.rows("y")] == [(None, None)]
    (file,) = result.files("y")
    assert file.facts["conversions"] == {"d": {"zero_date": 1}, "m": {"zero_date": 1}}


@pytest.mark.fault(113)
@pytest.mark.fault(19)
def test_a_key_of_year_0_stops_its_table_and_no_other(
    source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    source.make("p", "d DATETIME PRIMARY KEY", "('0000-03-01')", "('2024-01-01')")
    source.make("q", "id INT PRIMARY KEY", "(1)")
    result = source.run(source.catalog("p", "q"))
    assert "never altered" in capsys.readouterr().err
    assert "tap_test.p" in str(result.error)
    assert result.ids("q") == [1]
    assert result.of("BATCH") == [m for m in result.of("BATCH") if m["stream"].endswith("-q")]


@pytest.mark.fault(19)
def test_what_nobody_expected_stops_its_table_and_no_other(
    source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source.make("p", "id INT PRIMARY KEY", "(1)")
    source.make("q", "id INT PRIMARY KEY", "(1)")
    convert = Converter.convert

    def fail(self: Converter, *arguments: Any, **options: Any) -> Any:
        if self.table.table == "p":
            raise OverflowError("date value out of range")
        return convert(self, *arguments, **options)

    monkeypatch.setattr(Converter, "convert", fail)
    result = source.run(source.catalog("p", "q"))
    assert "unexpected OverflowError" in capsys.readouterr().err
    assert "tap_test.p" in str(result.error)
    assert result.ids("q") == [1]


@pytest.mark.fault(76)
def test_strict_stops_at_a_zero_date_and_names_the_row(zeros: Source) -> None:
    error = zeros.run(zeros.catalog("z", **{"table-key-properties": ["id"]}),
                      backup_strict=True).error  # fmt: skip
    assert getattr(error, "table", None) == "tap_test.z"
    assert getattr(error, "column", None) == "d"
    assert getattr(error, "key", None) == "id=1"
    assert "kept" not in str(error)


@pytest.fixture(params=["utf8mb4", "utf8mb3"])
def broken_text(source: Source, request: pytest.FixtureRequest) -> Source:
    """Bytes under a text type, as an import with the wrong character set leaves them.

    MariaDB checks what it is given, so the file of a table of bytes is put under one of text.
    """
    # As many bytes at most, whatever a character may have: the two files' headers are alike.
    characters = {"utf8mb4": 60, "utf8mb3": 80}[request.param]
    text = f"VARCHAR({characters}) CHARACTER SET {request.param}"
    for name, kind in (("raw", "VARBINARY(240)"), ("bad", text)):
        source.make(name, f"id INT NOT NULL PRIMARY KEY, v {kind}", engine="MyISAM")
    source.sql("INSERT INTO raw VALUES (1, 'fine é'), (2, x'61ff62'), (3, NULL)")
    source.sql("FLUSH TABLES raw, bad")
    ((folder,),) = source.sql("SELECT @@datadir")
    database = Path(folder) / "tap_test"
    for suffix in ("MYD", "MYI"):
        (database / f"bad.{suffix}").write_bytes((database / f"raw.{suffix}").read_bytes())
    source.sql("FLUSH TABLES bad")
    return source


@pytest.mark.fault(90)
def test_bytes_that_are_not_utf8_become_replacement_characters_and_are_counted(
    broken_text: Source,
) -> None:
    result = broken_text.read("bad")
    assert {row["id"]: row["v"] for row in result.rows("bad")} == {
        1: "fine é",
        2: "a\ufffdb",
        3: None,
    }
    assert result.files("bad")[0].facts["conversions"] == {"v": {"invalid_utf8": 1}}


@pytest.mark.fault(90)
def test_strict_stops_at_bytes_that_are_not_utf8(broken_text: Source) -> None:
    result = broken_text.run(broken_text.catalog("bad"), backup_strict=True)
    assert getattr(result.error, "column", None) == "v"
    assert getattr(result.error, "key", None) == "id=2"


@settings(
    max_examples=6,
    deadline=None,
    # An example is a run of the tap: shrinking would take minutes.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.decimals(min_value=1 - 10**8, max_value=10**8 - 1, places=10),
            st.decimals(min_value=-(10**25), max_value=10**25, places=12),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
            st.binary(max_size=30),
            st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(0, 2**64 - 1),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_values_come_back(source: Source, rows: list[tuple[Any, ...]]) -> None:
    source.make(
        "any_values",
        "id INT PRIMARY KEY, a DECIMAL(18,10), b DECIMAL(38,12), c VARCHAR(60), d VARBINARY(60), "
        "e DATETIME(6), f DOUBLE, g BIGINT UNSIGNED",
    )
    marks = ", ".join(f"({number}{', %s' * 7})" for number in range(len(rows)))
    source.sql(f"INSERT INTO any_values VALUES {marks}", *(v for row in rows for v in row))
    read = sorted(source.read("any_values").rows("any_values"), key=lambda row: row["id"])
    assert [tuple(row[name] for name in "abcdefg") for row in read] == rows

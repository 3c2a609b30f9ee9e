"""COPY of Parquet, and UNLOAD."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import datetime
import gzip
import io
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, Sql, World

ROLE = "iam_role 'arn:aws:iam::000000000000:role/copy'"
TABLE = "id bigint, s smallint, v varchar(5), n decimal(10,2), d date, ts timestamp, b boolean, f double precision, y varbyte(4)"
ROWS = {
    "id": pa.array([1, 2], pa.int64()),
    "s": pa.array([-1, None], pa.int16()),
    "v": pa.array(['é,"\n', ""], pa.string()),
    "n": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
    "d": pa.array([datetime.date(1, 1, 1), None], pa.date32()),
    "ts": pa.array([datetime.datetime(2024, 1, 1, 1, 2, 3, 4), None], pa.timestamp("us")),
    "b": pa.array([True, None], pa.bool_()),
    "f": pa.array([1e-300, None], pa.float64()),
    "y": pa.array([b"AB", None], pa.binary()),
}
VALUES = [
    [
        1,
        -1,
        'é,"\n',
        Decimal("1.50"),
        datetime.date(1, 1, 1),
        datetime.datetime(2024, 1, 1, 1, 2, 3, 4),
        True,
        1e-300,
        "AB",
    ],
    [2, None, "", None, None, None, None, None, None],
]


def parquet(columns: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_parquet_is_loaded_by_position(sql: Sql, copy: Copy) -> None:
    sql(f"create table t.p({TABLE})")
    renamed = {f"other_{name}": values for name, values in ROWS.items()}
    sql(copy("t.p", parquet(renamed), "format as parquet"))
    assert sql("select * from t.p order by id") == VALUES
    assert sql("select pg_last_copy_count()") == [[2]]


def test_a_parquet_manifest_states_the_lengths(world: World, sql: Sql) -> None:
    sql("create table t.p(a int)")
    body = parquet({"a": pa.array([1], pa.int32())})
    url = world.put("pq/a.parquet", body)
    for size, good in ((len(body), True), (len(body) + 1, False), (None, False)):
        entry = {"url": url, "mandatory": True, "meta": {"content_length": size}}
        manifest = world.put("pq/m", json.dumps({"entries": [entry]}))
        statement = f"copy t.p from '{manifest}' {ROLE} format as parquet manifest"
        if good:
            sql(statement)
        else:
            assert url in sql.error(statement)
    assert sql("select * from t.p") == [[1]]


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("int", pa.array([1], pa.int64()), "incompatible Parquet schema for column"),
        ("int", pa.array(["1"]), "incompatible"),
        ("bigint", pa.array([1], pa.uint64()), "incompatible"),
        ("decimal(10,2)", pa.array([Decimal("1.500")], pa.decimal128(10, 3)), "incompatible"),
        ("varchar(5)", pa.array([b"a"], pa.binary()), "incompatible"),
        ("varchar(2)", pa.array(["éé"]), "longer than"),
        ("char(3)", pa.array(["é"]), "multibyte"),
        ("varchar(9)", pa.array(["a\0b"]), "NUL"),
        ("varbyte(1)", pa.array([b"ab"]), "longer than"),
        ("int not null", pa.array([None], pa.int32()), "NULL"),
        ("real", pa.array([1.0], pa.float64()), "incompatible"),
    ],
)
def test_parquet_that_does_not_fit_is_refused(
    sql: Sql, copy: Copy, column: str, values: object, reason: str
) -> None:
    sql(f"create table t.p(a {column})")
    assert reason in sql.error(copy("t.p", parquet({"x": values}), "format as parquet"))
    assert sql("select count(*) from t.p") == [[0]]


def test_parquet_needs_as_many_columns_and_to_be_parquet(sql: Sql, copy: Copy) -> None:
    sql("create table t.p(a int, b varchar(3))")
    one = parquet({"a": pa.array([1], pa.int32())})
    assert "Unmatched number of columns" in sql.error(copy("t.p", one, "format as parquet"))
    sql(copy("t.p", one, "format as parquet fillrecord"))
    assert sql("select * from t.p") == [[1, None]]
    sql(copy("t.p (a)", one, "format as parquet"))
    assert "not a valid Parquet file" in sql.error(copy("t.p", "no", "format as parquet"))


@pytest.fixture
def filled(sql: Sql) -> None:
    sql("create table t.u(a int, v varchar(20), n decimal(5,2), y varbyte(4), t timestamp)")
    sql(
        "insert into t.u values (1, 'a,b|\"x\"', 1.5, 'AB'::varbyte, '2024-01-01 10:00:00'), (2, null, null, null, null), (3, '', 2, null, null)"
    )


def unload(
    sql: Sql, target: str, options: str, query: str = "select * from t.u order by a"
) -> None:
    escaped = query.replace("'", "''")
    sql(f"unload ('{escaped}') to 's3://stage/{target}' {ROLE} {options}")


def test_unload_csv_and_load_again(world: World, sql: Sql, filled: None) -> None:
    unload(sql, "u/csv_", "csv header parallel off")
    assert world.keys("u/csv_") == ["u/csv_000"]
    text = world.get("u/csv_000").decode()
    assert text == 'a,v,n,y,t\n1,"a,b|""x""",1.50,4142,2024-01-01 10:00:00\n2,,,,\n3,"",2.00,,\n'
    assert sql("select pg_last_unload_count()") == [[3]]
    assert "not empty" in sql.error(f"unload ('select 1') to 's3://stage/u/csv_' {ROLE} csv")
    unload(
        sql,
        "u/csv_",
        "csv gzip manifest cleanpath",
        "select a from t.u where v <> 'zz' or v is null",
    )
    assert world.keys("u/csv_") == ["u/csv_0000_part_00.gz", "u/csv_manifest"]
    assert sorted(gzip.decompress(world.get("u/csv_0000_part_00.gz")).split()) == [b"1", b"2", b"3"]
    sql("create table t.back(a int)")
    sql(f"copy t.back from 's3://stage/u/csv_manifest' {ROLE} csv gzip manifest")
    assert sql("select count(*) from t.back") == [[3]]


def test_unload_delimited_text(world: World, sql: Sql, filled: None) -> None:
    unload(sql, "u/text_", "parallel off null as '@'")
    assert world.get("u/text_000").decode().splitlines()[1] == "2|@|@|@|@"
    unload(
        sql,
        "u/text_",
        "parallel off allowoverwrite escape addquotes delimiter '|'",
        "select v from t.u where a = 1",
    )
    assert world.get("u/text_000").decode() == '"a,b\\|\\"x\\""\n'


def test_unload_parquet_and_load_again(world: World, sql: Sql, filled: None) -> None:
    unload(sql, "u/pq_", "format as parquet manifest")
    table = pq.read_table(io.BytesIO(world.get("u/pq_0000_part_00.parquet")))
    assert table.schema.field("n").type == pa.decimal128(5, 2)
    assert table.column("y").to_pylist() == [b"AB", None, None]
    assert table.column("v").to_pylist() == ['a,b|"x"', None, ""]
    sql("create table t.back(like t.u)")
    sql(f"copy t.back from 's3://stage/u/pq_manifest' {ROLE} format as parquet manifest")
    assert sql("select * from t.back order by a") == sql("select * from t.u order by a")


def test_a_float_keeps_its_bits_in_parquet_and_15_digits_as_text(world: World, sql: Sql) -> None:
    """ "UNLOAD": you might lose precision, unloading and loading; extra_float_digits is 0."""
    sql("create table t.f (d float8, r real)")
    exact: dict[str, Any] = {"d": pa.array([0.1 + 0.2]), "r": pa.array([1 / 3], pa.float32())}
    sql(f"copy t.f from '{world.put('f/in.parquet', parquet(exact))}' {ROLE} format as parquet")
    query = "select d, r from t.f"
    unload(sql, "f/text_", "csv parallel off", query)
    assert world.get("f/text_000") == b"0.3,0.333333\n"
    unload(sql, "f/pq_", "format as parquet", query)
    table = pq.read_table(io.BytesIO(world.get("f/pq_0000_part_00.parquet")))
    assert table.to_pydict() == {name: values.to_pylist() for name, values in exact.items()}


def test_unload_is_checked_like_any_statement(sql: Sql, filled: None) -> None:
    assert "DISTINCT ON" in sql.error(
        f"unload ('select distinct on (a) a from t.u') to 's3://stage/x' {ROLE}"
    )
    assert "takes a SELECT" in sql.error(f"unload ('delete from t.u') to 's3://stage/x' {ROLE}")
    assert "credentials" in sql.error("unload ('select 1') to 's3://stage/x' csv")
    assert "MAXFILESIZE" in sql.error(
        f"unload ('select 1') to 's3://stage/x' {ROLE} csv maxfilesize 1 mb"
    )
    assert "HEADER" in sql.error(
        f"unload ('select 1') to 's3://stage/x' {ROLE} format parquet header"
    )


def test_unload_splits_by_size(world: World, sql: Sql) -> None:
    sql("create table t.ten(n int)")
    sql(f"insert into t.ten values {', '.join(f'({n})' for n in range(10))}")
    unload(
        sql,
        "u/big_",
        "csv parallel off maxfilesize 5 mb",
        "select repeat('x', 1000) as a from t.ten a, t.ten b, t.ten c, "
        "(select n from t.ten union all select n from t.ten where n < 2) d",
    )
    keys = world.keys("u/big_")
    assert keys == ["u/big_000", "u/big_001", "u/big_002"]
    assert sum(world.get(key).count(b"\n") for key in keys) == 12_000

"""COPY of CSV and delimited text from S3: what a line of the corpus (``copy.txt``) cannot show."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, Sql, World

ROLE = "iam_role 'arn:aws:iam::000000000000:role/copy'"
COLUMNS = "id int, v varchar(5), d date, ts timestamp, n decimal(6,2), b boolean, c char(3)"
EMPTY = [None] * 5


@pytest.fixture
def table(sql: Sql) -> str:
    sql(f"create table t.a({COLUMNS})")
    return "t.a"


def load(
    sql: Sql,
    copy: Copy,
    data: bytes | str,
    options: str = "csv",
    table: str = "t.a",
    order: str = "id",
) -> list[Any]:
    sql(f"truncate {table}")
    sql(copy(table, data, options))
    return sql(f"select * from {table} order by {order}")


def last_error(sql: Sql) -> list[Any]:
    (error,) = sql(
        "select line_number, colname, err_code, err_reason, raw_field_value from stl_load_errors "
        "order by query desc, line_number limit 1"
    )
    return list(error)


def test_invalid_characters_are_replaced_byte_by_byte(sql: Sql, copy: Copy, table: str) -> None:
    assert load(sql, copy, b"1,a\xff\xfe,,,,,x\n", "csv acceptinvchars as '^'")[0][1] == "a^^"


def test_errors_below_maxerror_are_left_out_and_kept(sql: Sql, copy: Copy, table: str) -> None:
    data = "1,ok,,,,,\nx,bad,,,,,\n3,toolong,,,,,\n4,fine,,,,,\n"
    assert [r[0] for r in load(sql, copy, data, "csv maxerror 3")] == [1, 4]
    assert sql("select pg_last_copy_count()") == [[2]]
    query = sql("select pg_last_copy_id()")[0][0]
    assert sql(f"select line_number from stl_load_errors where query = {query} order by 1") == [
        [2],
        [3],
    ]
    assert "failed" in sql.error(copy("t.a", data, "csv maxerror 2"))


def test_errors_survive_the_rollback_and_the_transaction_is_over(
    world: World, sql: Sql, copy: Copy, table: str
) -> None:
    statement = copy("t.a", "zz,,,,,,\n", "csv")
    session = type(sql)(world.connect(autocommit=False))
    session("select 1")
    session.error(statement)
    assert "current transaction is aborted" in session.error("select 1")
    session.connection.rollback()
    assert session("select 1") == [[1]]
    assert last_error(sql)[4] == "zz"


def test_a_null_for_a_not_null_column_is_refused(sql: Sql, copy: Copy) -> None:
    sql("create table t.n(id int not null, v varchar(5))")
    sql.error(copy("t.n", "1,a\n\\N,b\n"))
    assert last_error(sql)[:3] == [2, "id", 1213]


def test_numbers_and_bytes_of_every_type(sql: Sql, copy: Copy) -> None:
    sql(
        "create table t.n(s smallint, b bigint, r real, d double precision, z timestamptz, y varbyte(4), m varchar(max))"
    )
    sql(copy("t.n", "-32768,9223372036854775807,1.5,1e-300,2024-01-01 00:00:00+02,4142,\\N\n"))
    assert sql("select s, b, r, d, z at time zone 'UTC', to_hex(y), m from t.n") == [
        [
            -32768,
            9223372036854775807,
            1.5,
            1e-300,
            datetime.datetime(2023, 12, 31, 22),
            "4142",
            None,
        ]
    ]
    sql.error(copy("t.n", "32768,1,1,1,,,\n"))
    sql.error(copy("t.n", "1,1,1e39,1,,,\n"))
    sql.error(copy("t.n", "1,1,1,1e400,,,\n"))
    sql.error(copy("t.n", "1,1,1,1,,0g,\n"))
    sql.error(copy("t.n", "1,1,1,1,,0102030405,\n"))
    assert sql("select y from t.n") == [["AB"]], "its bytes, which the driver reads as text"


def test_columns_defaults_and_identity(sql: Sql, copy: Copy) -> None:
    sql("create table t.i(id bigint identity(5,2), v varchar(5) default 'dflt', n int)")
    sql(copy("t.i (n)", "1\n2\n"))
    assert sql("select * from t.i order by id") == [[5, "dflt", 1], [7, "dflt", 2]]
    sql(copy("t.i", "9,x,3\n", "csv explicit_ids"))
    assert sql("select id from t.i where n = 3") == [[9]]
    assert "EXPLICIT_IDS" in sql.error(copy("t.i (id, n)", "1,1\n"))
    assert "does not exist" in sql.error(copy("t.i (nope)", "1\n"))


@pytest.mark.parametrize(
    ("option", "squeeze"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
def test_compressed_files_and_a_manifest(
    world: World, sql: Sql, table: str, option: str, squeeze: Callable[[bytes], bytes]
) -> None:
    urls = [world.put(f"parts/{option}{i}", squeeze(f"{i},a,,,,,\n".encode())) for i in range(3)]
    entries = [{"url": url, "mandatory": True} for url in urls[:2]] + [
        {"url": "s3://stage/parts/none"}
    ]
    manifest = world.put("parts.manifest", json.dumps({"entries": entries}))
    sql(f"copy t.a from '{manifest}' {ROLE} csv {option} manifest")
    assert sql("select id from t.a order by id") == [[0], [1]]
    commits = sql(
        "select filename, lines_scanned from stl_load_commits where query = pg_last_copy_id() order by 1"
    )
    assert commits == [[urls[0], 1], [urls[1], 1]]
    history = sql(
        "select status, loaded_rows, source_file_count from sys_load_history where query_id = pg_last_copy_id()"
    )
    assert history == [["completed", 2, 2]]


def test_files_that_cannot_be_read_are_named(world: World, sql: Sql, table: str) -> None:
    whole = gzip.compress(b"1,a,,,,,\n" * 1000)
    cut = world.put("bad/cut", whole[:-20])
    assert cut in sql.error(f"copy t.a from '{cut}' {ROLE} csv gzip")
    plain = world.put("bad/plain", "1,a,,,,,\n")
    assert plain in sql.error(f"copy t.a from '{plain}' {ROLE} csv gzip")
    assert "does not exist" in sql.error(f"copy t.a from 's3://stage/nothing' {ROLE} csv")
    assert "NoSuchBucket" in sql.error(f"copy t.a from 's3://no-such-bucket/x' {ROLE} csv")
    manifest = world.put(
        "bad/m", json.dumps({"entries": [{"url": "s3://stage/none", "mandatory": True}]})
    )
    assert "s3://stage/none" in sql.error(f"copy t.a from '{manifest}' {ROLE} csv manifest")
    broken = world.put("bad/json", "{")
    assert "json" in sql.error(f"copy t.a from '{broken}' {ROLE} csv manifest")
    assert "manifest file" in sql.error(
        f"copy t.a from 's3://stage/no.manifest' {ROLE} csv manifest"
    )
    assert sql("select count(*) from t.a") == [[0]]
    assert sql("select 1") == [[1]]


def test_noload_checks_and_loads_nothing(sql: Sql, copy: Copy, table: str) -> None:
    sql(copy("t.a", "1,a,,,,,\n", "csv noload"))
    assert sql("select count(*) from t.a") == [[0]]
    sql.error(copy("t.a", "x,a,,,,,\n", "csv noload"))


def test_utf16_is_converted(sql: Sql, copy: Copy, table: str) -> None:
    assert load(sql, copy, "1,é,,,,,\n".encode("utf-16"), "csv encoding utf16")[0][1] == "é"


def test_many_blocks_of_quoted_newlines_arrive_whole(sql: Sql, copy: Copy) -> None:
    sql("create table t.big(id int, v varchar(200))")
    rows = "".join(
        f'{i},"line {i}\nand ""quoted"", with, commas {"x" * 80}"\n' for i in range(120_000)
    )
    assert len(rows) > 12 << 20
    sql(copy("t.big", gzip.compress(rows.encode(), 1), "csv gzip"))
    assert sql("select count(*), count(distinct id), min(len(v)) from t.big")[0][:2] == [
        120_000,
        120_000,
    ]
    bad = rows + 'x,"bad"\n'
    sql.error(copy("t.big", bad, "csv"))
    assert last_error(sql)[0] == 240_001


def test_the_rows_of_a_wide_temporary_table_are_counted(sql: Sql, copy: Copy) -> None:
    """Else PostgreSQL takes them for one, and joins each row with each."""
    wide = ", ".join(f"v{n} varchar(1020)" for n in range(50))
    sql(f"create temporary table wide(id int, {wide})")
    sql(copy("wide", "".join(f"{n}{',' * 50}\n" for n in range(500))))
    assert sql("select reltuples::int from pg_catalog.pg_class where relname = 'wide'") == [[500]]

"""SUPER: values on the wire, in the catalogue, in comparisons, and through COPY and UNLOAD."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redshift_stand_in.copy.text.super_values import stored
from redshift_stand_in.postgres.backend import PostgresAddress, open_as_superuser
from redshift_stand_in.postgres.cluster import PORT

from tests.redshift_stand_in.conftest import BUCKET, DATABASE, PASSWORD, ROLE, Sql
from tests.redshift_stand_in.copy.test_super_values import VALUES

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, World


@pytest.fixture
def orders(sql: Sql) -> str:
    sql("create table t.o (id int, c super)")
    return "t.o"


def test_values_are_json_under_redshifts_number(world: World, sql: Sql, orders: str) -> None:
    sql(
        "insert into t.o values (1, 'it''s \"x\"'), (2, json_parse('{\"b\": [1, null], \"a\": 2}'))"
    )
    sql("insert into t.o values (%s, %s), (4, null)", 3, "[1]")
    rows: list[list[Any]] = [
        [1, '"it\'s \\"x\\""'],
        [2, '{"b":[1,null],"a":2}'],
        [3, '"[1]"'],
        [4, None],
    ]
    assert sql("select * from t.o order by id") == rows
    assert [column[1] for column in sql.cursor.description] == [23, 4000]
    connection = psycopg2.connect(
        host="127.0.0.1", port=world.tcp_port, user="admin", password=PASSWORD, dbname=DATABASE,
        sslmode="disable",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("select c from t.o order by id")
        assert cursor.fetchall() == [(row[1],) for row in rows]
        assert [column.type_code for column in cursor.description or ()] == [4000]
    connection.close()


def test_the_catalogue_names_the_type(sql: Sql, orders: str) -> None:
    sql("create table t.copied as select c, json_parse('[]') as d from t.o")
    sql("set search_path to t")
    kinds = sql("select type from pg_table_def where tablename = 'copied'")
    assert kinds == [["super"], ["super"]]
    assert sql(
        "select data_type from information_schema.columns where table_name = 'o' and column_name = 'c'"
    ) == [["super"]]


def test_the_order_of_kinds(sql: Sql, orders: str) -> None:
    sql(
        "insert into t.o values (1, 'b'), (2, 1), (3, array(1, 'abc', null)), (4, -2.5), (5, 'a'), (6, object('a', 1)), (7, true), (8, 1e3::float)"
    )
    found = [row[0] for row in sql("select c from t.o order by c")]
    assert found == ["true", "-2.5", "1", "1e+3", '"a"', '"b"', '[1,"abc",null]', '{"a":1}']


def test_joins_and_groups_compare_by_value(sql: Sql, orders: str) -> None:
    sql("insert into t.o values (1, 1), (2, 1.0), (3, 1::float), (4, 'a'), (5, 'a  '), (6, '1')")
    assert sql("select count(*) from t.o a join t.o b on a.c = b.c") == [[9 + 4 + 1]]
    assert sql("select count(distinct c) from t.o") == [[3]]
    assert sql("select min(id) from t.o group by c order by 1") == [[1], [4], [6]]
    sql("set enable_result_cache_for_session to off")
    assert sql("select count(*) from t.o a, t.o b where a.c = b.id") == [[3]]
    assert sql("select id from t.o where c in (1, 'a') and id in (2, 5) order by 1") == [[2], [5]]


def test_comparisons_of_other_types_stay_postgresqls(sql: Sql, orders: str) -> None:
    sql("create table t.v (v varchar(9), n numeric(5,2), i int)")
    plan = sql(
        "explain select 1 from t.v where v = 'x' and 'y' < v and n = 1 and i <> '5' and v = i"
    )
    assert "super" not in str(plan)
    assert "redshift_super_key" not in str(plan)


@pytest.mark.parametrize(
    "kind", ["int", "bigint", "decimal(5,2)", "float", "varchar(9)", "boolean"]
)
def test_joins_with_other_types_are_hashed(world: World, sql: Sql, orders: str, kind: str) -> None:
    values = "true, false" if kind == "boolean" else "1, 2"
    first, second = values.split(", ")
    sql(f"create table t.v (v {kind})")
    sql(f"insert into t.v values ({first}), ({second}), ({second}), (null)")
    sql(f"insert into t.o select 1, v from t.v where v = {second}")
    sql(f"insert into t.o values (2, null), (3, array({values})), (4, 'x')")
    cursor = world.superuser().cursor()
    cursor.execute("set enable_nestloop = off; set enable_mergejoin = off")
    for condition in ("o.c = v.v", "v.v = o.c"):
        query = f"select count(*) from t.o join t.v on {condition}"
        cursor.execute(f"explain {query}")
        assert "Hash Join" in str(cursor.fetchall())
        cursor.execute(query)
        assert cursor.fetchall() == [(4,)]


def test_numbers_too_large_are_an_error(sql: Sql, orders: str) -> None:
    assert "overflow" in sql.error("select 99999999999999999999::super * 99999999999999999999")
    assert "division by zero" in sql.error("select 1::super / 0")


def test_columns_are_called_by_the_last_name(sql: Sql, orders: str) -> None:
    sql('insert into t.o values (1, json_parse(\'[{"k": 7, "d": "2001-09-08"}]\'))')
    assert sql("select c[0].k, o.c[0].d::date, c[0], c[0].k as other from t.o")[0][0] == "7"
    assert [column[0] for column in sql.cursor.description] == ["k", "d", "c", "other"]
    assert "does not exist" in sql.error("select c[0].k, k::int + 1 from t.o")
    assert sql("select c[0].k as n, n::int + 1 from t.o") == [["7", 8]]


def test_a_null_of_json_is_null(sql: Sql, orders: str) -> None:
    sql("insert into t.o values (1, json_parse('[null, {\"a\": null}]')), (2, json_parse('null'))")
    assert sql("select c is null, c[0] is null, c[1].a is null, c[1] from t.o order by id") == [
        [False, True, True, '{"a":null}'],
        [True, True, True, None],
    ]
    assert sql("select e from t.o x, x.c e where x.id = 1") == [[None], ['{"a":null}']]


def test_limits(sql: Sql, orders: str) -> None:
    long = "x" * 60000
    array = ", ".join(["c"] * 290)
    sql(f"insert into t.o values (1, '{long}')")
    assert "too long for type super" in sql.error(f"select array({array}) from t.o")
    assert "character varying(65535)" in sql.error("select json_serialize(array(c, c)) from t.o")
    assert "appears twice" in sql.error("select object('a', 1, 'a', 2)")
    assert "has no value for NaN" in sql.error("select 'nan'::float::super")


def test_errors_say_what_to_do(sql: Sql, orders: str) -> None:
    assert "cast the value" in sql.error("select sum(c) from t.o")
    assert "cast the value" in sql.error("select upper(c) from t.o")
    assert sql.error("select id.a from t.o") == (
        "cannot navigate into a value of type integer: it is not SUPER"
    )
    assert "cannot be a distribution or sort key" in sql.error("alter table t.o alter distkey c")


def pairs(text: str | None) -> Any:
    """JSON with its keys in their order."""
    return None if text is None else json.loads(text, object_pairs_hook=list)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(VALUES, min_size=1, max_size=8))
def test_json_parse_stores_what_copy_does(sql: Sql, values: list[Any]) -> None:
    texts = [json.dumps(value) for value in values]
    columns = ", ".join(["json_parse(%s)"] * len(texts))
    found = sql(f"select {columns}", *texts)[0]
    for text, shown in zip(texts, found, strict=True):
        kept = stored(text)
        # PostgreSQL's shortest float may have one digit more.
        assert pairs(shown) == pairs(kept and kept[1:])


FILE = '1,"{""b"": [1, 2.50], ""a"": ""é""}"\n2,\n3,"""x"""\n4,null\n5,"  7  "\n6,\\N\n'
LOADED = [[1, '{"b":[1,2.50],"a":"é"}'], [2, None], [3, '"x"'], [4, None], [5, "7"], [6, None]]


def test_copy_reads_json_and_unload_writes_it(
    world: World, sql: Sql, copy: Copy, orders: str
) -> None:
    sql(copy("t.o", FILE))
    assert sql("select * from t.o order by id") == LOADED
    sql(
        f"unload ('select * from t.o where id in (1, 2, 3)') to 's3://stage/super/' {ROLE} csv parallel off"
    )
    (key,) = world.keys("super/")
    assert sorted(world.get(key).decode().splitlines()) == [
        '1,"{""b"":[1,2.50],""a"":""é""}"',
        "2,",
        '3,"""x"""',
    ]
    sql("delete from t.o")
    sql(f"copy t.o from 's3://stage/{key}' {ROLE} csv")
    assert sql("select * from t.o order by id") == LOADED[:3]
    sql(copy("t.o (c)", '{"a": "x\\|y"}\n', "delimiter '|' escape"))
    assert sql("select c.a from t.o where id is null") == [['"x|y"']]


def test_copy_refuses_what_is_no_json(sql: Sql, copy: Copy, orders: str) -> None:
    sql.error(copy("t.o", "1,[1]\n2,[1\n"))
    assert sql(
        "select line_number, colname, type, err_reason from stl_load_errors order by query desc limit 1"
    ) == [[2, "c", "super", "Invalid JSON for the type SUPER"]]
    sql.error(copy("t.o", b'1,"""\xff"""\n'))


def test_parquet_is_refused_by_name(sql: Sql, copy: Copy, orders: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": pa.array([1], pa.int32()), "c": ["[1]"]}), out)
    data = out.getvalue().to_pybytes()
    assert "stand-in" in sql.error(copy("t.o", data, "format as parquet"))
    assert "SERIALIZETOJSON" in sql.error(copy("t.o", data, "format as parquet serializetojson"))
    assert "stand-in" in sql.error(
        f"unload ('select c from t.o') to 's3://stage/super_parquet/' {ROLE} format as parquet"
    )


def test_large_strings_are_a_parameter_of_the_database(world: World, sql: Sql, orders: str) -> None:
    assert sql("select is_large_string_enabled()") == [[False]]
    postgres = open_as_superuser(PostgresAddress(world.folder / "pg", PORT), DATABASE)
    parameter = "redshift.enable_large_strings_opt_in"
    postgres.query(f"alter database {DATABASE} set {parameter} = 'yes'")
    try:
        fresh = Sql(world.connect())
        assert fresh("select is_large_string_enabled()") == [[True]]
        world.s3.put_object(
            Bucket=BUCKET, Key="large.csv", Body=f'1,"""{"é" * 100_000}"""'.encode()
        )
        statement = f"copy t.o from 's3://{BUCKET}/large.csv' {ROLE} csv"
        fresh(statement)
        assert fresh("select octet_length(json_serialize(c)) from t.o") == [[200_002]]
        fresh("insert into t.o select 2, json_parse(json_serialize(c)) from t.o")
    finally:
        postgres.query(f"alter database {DATABASE} reset {parameter}")
        postgres.close()
    assert "failed" in sql.error(statement), "its record is cut at 1,024 bytes"
    assert "longer than 65535" in sql.error(
        "insert into t.o select 3, json_parse('\"' || repeat('x', 65536) || '\"')"
    )

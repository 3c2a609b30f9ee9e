"""Names of 64 to 127 bytes: PostgreSQL has shorter ones in their place, and nobody sees these."""

# ruff: noqa: E501 - statements are read in one line
from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import psycopg2
import pyarrow.parquet as pq
import pytest
import redshift_connector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redshift_stand_in.sql.long_names import cut

from tests.redshift_stand_in.conftest import DATABASE, PASSWORD, ROLE, Sql, end

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, World

TABLE = "orders_of_every_customer_of_every_country_of_the_whole_wide_world_and_of_the_moon__dbt_tmp123456789012"
COLUMN = "the_amount_that_was_paid_for_the_order_before_the_discount_and_the_taxes_of_the_country"
ODD = "Der Betrag, der für die Bestellung bezahlt wurde; vor Abzug von Rabatten & Steuern"
LETTERS = st.sampled_from(["a", "b", "_", "7", "$", " ", "-", "é", "語", "😀"])
NAMES = st.lists(LETTERS, min_size=1, max_size=130).map("".join) | st.builds(
    lambda a, b, n: a + b * n, LETTERS, LETTERS, st.integers(1, 130)
)


@pytest.fixture
def table(sql: Sql) -> str:
    """A table with a long name and long columns, and one row."""
    sql(f'create table t.{TABLE} ({COLUMN} int, "{ODD}" varchar(200))')
    sql(f"insert into t.{TABLE} values (1, '{TABLE}')")
    return f"t.{TABLE}"


def simple(
    world: World, user: str = "admin", *, database: str = DATABASE, password: str = PASSWORD
) -> Any:
    """A session by psycopg2: the simple protocol."""
    connection = psycopg2.connect(
        host="127.0.0.1", port=world.tcp_port, user=user, password=password, dbname=database
    )
    connection.autocommit = True
    world.open_connections.append(connection)
    return connection


def names(cursor: Any) -> list[str]:
    """The columns of a result, as text: the driver gives bytes."""
    found = [column[0] for column in cursor.description]
    return [name.decode() if isinstance(name, bytes) else name for name in found]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
def test_names_of_every_length_come_back(sql: Sql, world: World, name: str) -> None:
    sql(f'create table t."{name}" ("{name}" int)')
    shown = cut(name.lower())
    sql(f'select * from t."{name}"')
    assert names(sql.cursor) == [shown]
    asked = (
        "select table_name, column_name from information_schema.columns where table_schema = 't'"
    )
    assert sql(asked) == [[shown, shown]]
    connection = simple(world)
    cursor = connection.cursor()
    cursor.execute(f"{asked} and table_name = %s", (shown,))
    assert cursor.fetchall() == [(shown, shown)]
    connection.close()
    sql(f'drop table t."{name}"')


def test_a_name_is_cut_at_127_bytes(sql: Sql) -> None:
    sql(f"create table t.{'a' * 130} (b int)")
    assert sql(f"select count(*) from t.{'a' * 127}") == [[0]]
    assert "already exists" in sql.error(f"create table t.{'a' * 128} (b int)")
    assert "does not exist" in sql.error(f"select * from t.{'a' * 126}")


@pytest.mark.parametrize(
    "query",
    [
        f"select relname from pg_class where relname = '{TABLE}'",
        f"select relname from pg_class where relname in ('x', '{TABLE}')",
        f"select relname from pg_class where relname ilike '{TABLE.upper()}'",
        f"select relname from pg_catalog.pg_class where relname like '%{TABLE}%'",
        f"select tablename from pg_tables where tablename = '{TABLE}'",
        f"select table_name from information_schema.tables where table_name = '{TABLE}'",
        f"select table_name from svv_tables where table_name = '{TABLE}'",
        f'select "table" from svv_table_info where "table" = \'{TABLE}\'',
        f"select distinct table_name from svv_redshift_columns where table_name = '{TABLE}'",
        f"select relation_name from svv_relation_privileges where relation_name = '{TABLE}' and privilege_type = 'SELECT'",
        f"select relname from pg_class where oid = 't.{TABLE}'::regclass",
        "select relname from pg_class where relname like 'orders_of_every%'",
    ],
)
def test_the_catalogue_knows_it(sql: Sql, world: World, table: str, query: str) -> None:
    assert sql(query) == [[TABLE]]
    cursor = simple(world).cursor()
    cursor.execute(query)
    assert cursor.fetchall() == [(TABLE,)]


def test_a_literal_in_other_letters_is_another_name(sql: Sql, table: str) -> None:
    assert sql(f"select 1 from pg_class where relname = '{TABLE.upper()}'") == []
    assert sql(f"select 1 from pg_class where relname = '{TABLE}x'") == []


def test_functions_take_it(sql: Sql, table: str) -> None:
    assert sql(f"select has_table_privilege('admin', '{table}', 'select')") == [[True]]
    assert sql(f"select '{table}'::regclass::varchar") == [[table]]
    sql(f'create schema "{ODD}"')
    assert sql(f"select has_schema_privilege('{ODD.lower()}', 'usage')") == [[True]]
    sql(f"set search_path to '{ODD.lower()}'")
    assert sql("select current_schema()") == [[ODD.lower()]]
    assert sql("show search_path") == [[f'"{ODD.lower()}"']]
    sql(f'drop schema "{ODD}"')


def test_show_and_pg_table_def(sql: Sql, table: str) -> None:
    assert TABLE in sql("show tables from schema dev.t")[0]
    assert len(sql(f"show tables from schema dev.t like '{TABLE}'")) == 1
    shown = sql(f'show columns from table "dev"."t"."{TABLE}" like \'{COLUMN}\'')
    assert [row[3] for row in shown] == [COLUMN]
    sql("set search_path to t")
    defined = sql(f"select \"column\" from pg_table_def where tablename = '{TABLE}'")
    assert defined == [[COLUMN], [ODD.lower()]]


def test_the_drivers_metadata_functions(sql: Sql, table: str) -> None:
    cursor = sql.cursor
    assert TABLE in cursor.get_tables(None, "t", TABLE)[0]
    assert TABLE in cursor.get_tables(None, "t", None)[0]
    columns = cursor.get_columns(None, "t", TABLE, None)
    assert [row[3] for row in columns] == [COLUMN, ODD.lower()]


def test_parameters_are_names_in_the_catalogue_and_values_elsewhere(sql: Sql, table: str) -> None:
    asked = "select table_name from information_schema.tables where table_name = %s"
    assert sql(asked, TABLE) == [[TABLE]]
    assert sql(f'select len("{ODD}") from {table} where "{ODD}" = %s', TABLE) == [[len(TABLE)]]
    sql(f"insert into {table} values (%s, %s)", 2, TABLE)
    assert sql(f'select count(*), max(len("{ODD}")) from {table}') == [[2, len(TABLE)]]


def test_a_literal_elsewhere_is_a_value(sql: Sql, table: str) -> None:
    assert sql(f"select len('{TABLE}')") == [[len(TABLE)]]
    assert sql(f'select len("{ODD}") from {table} where "{ODD}" = \'{TABLE}\'') == [[len(TABLE)]]


def test_errors_say_it(sql: Sql, table: str) -> None:
    missing = TABLE.replace("orders", "offers")
    assert f'"t.{missing}" does not exist' in sql.error(f"select * from t.{missing}")
    assert f'column "{missing}" does not exist' in sql.error(f"select {missing} from {table}")
    assert f'"{TABLE}" already exists' in sql.error(f"create table {table} (a int)")
    assert f'"{missing}" does not exist' in sql.error(f"select * exclude ({missing}) from {table}")
    assert missing in sql.error(f"vacuum t.{missing}")
    assert missing in sql.error(f"drop table t.{missing}")
    assert f'near "{missing}"' in sql.error(f"create {missing}")


def test_views_keep_it(sql: Sql, table: str) -> None:
    sql(f'create view t.{TABLE}_v as select {COLUMN}, "{ODD}" from {table}')
    (definition,) = sql(f"select pg_get_viewdef('t.{TABLE}_v'::regclass)")[0]
    assert TABLE in definition
    assert COLUMN in definition
    assert f'"{ODD.lower()}"' in definition
    sql(f"create view t.late as select {COLUMN} from {table} with no schema binding")
    assert sql(
        "select view_name, col_name from pg_get_late_binding_view_cols() cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int) where view_name = 'late'"
    ) == [["late", COLUMN]]
    (text,) = sql("select definition from pg_views where viewname = 'late'")[0]
    assert table in text
    sql(f"drop view t.{TABLE}_v")
    sql(f"drop table {table}")
    assert f'"{table}" does not exist' in sql.error("select * from t.late")
    sql(f"create table {table} ({COLUMN} int)")
    assert sql(f"select {COLUMN} from t.late") == []


def test_rewrites_know_it(sql: Sql, table: str) -> None:
    other = f"{COLUMN}_twice"
    assert sql(
        f"select {COLUMN} * 2 as {other}, {other} + 1 as n from {table} where {other} = 2"
    ) == [[2, 3]]
    sql(f"select * exclude ({COLUMN}) from {table}")
    assert names(sql.cursor) == [ODD.lower()]
    assert sql(
        f"select {COLUMN} from {table} qualify row_number() over (order by {COLUMN}) = 1"
    ) == [[1]]
    assert names(sql.cursor) == [COLUMN]
    assert sql(f"with {other} as (select {COLUMN} from {table}) select * from {other}") == [[1]]


def test_pivot_joins_names_to_long_ones(sql: Sql) -> None:
    one, two = "a" * 50, "b" * 50
    sql("create table t.p (k int, v int)")
    sql("insert into t.p values (1, 5)")
    pivoted = f"(select k, v from t.p) pivot (sum(v) as {two} for k in (1 as {one}))"
    assert sql(f"select * from {pivoted}") == [[5]]
    assert names(sql.cursor) == [f"{one}_{two}"]
    assert sql(f"select {one}_{two} + 1 as x, x + 1 from {pivoted}") == [[6, 7]]


def test_unpivot_makes_values_of_them(sql: Sql) -> None:
    one, two = COLUMN, f"{COLUMN}_twice"
    sql(f"create table t.w ({one} int, {two} int)")
    sql("insert into t.w values (1, 2)")
    sql(f"create table t.n as select name, v from t.w unpivot (v for name in ({one}, {two}))")
    assert sql(f"select v, len(name) from t.n where name = '{two}'") == [[2, len(two)]]


def test_merge_rename_comment_grant_and_temporary_tables(sql: Sql, table: str) -> None:
    source = f"#{TABLE}"
    sql(f'create table {source} as select {COLUMN} + 1 as {COLUMN}, "{ODD}" from {table}')
    sql(
        f"merge into {table} using {source} s on {table}.{COLUMN} = s.{COLUMN} "
        f'when matched then update set {COLUMN} = 0 when not matched then insert values (s.{COLUMN}, s."{ODD}")'
    )
    assert sql(f"select {COLUMN} from {table} order by 1") == [[1], [2]]
    sql(f"comment on column {table}.{COLUMN} is 'paid'")
    sql(f"alter table {table} rename to {TABLE}2")
    sql(f"alter table t.{TABLE}2 rename column {COLUMN} to {COLUMN}2")
    assert sql(
        f"select column_name, remarks from svv_redshift_columns where table_name = '{TABLE}2' and column_name = '{COLUMN}2'"
    ) == [[f"{COLUMN}2", "paid"]]
    sql(f"create group g{TABLE}")
    sql(f"grant select on t.{TABLE}2 to group g{TABLE}")
    assert sql(
        f"select identity_name from svv_relation_privileges where relation_name = '{TABLE}2' and identity_name like 'g%'"
    ) == [[f"g{TABLE}"]]
    sql(f"revoke select on t.{TABLE}2 from group g{TABLE}")
    sql(f"drop group g{TABLE}")


@pytest.mark.parametrize("name", [f"u{TABLE}", "ü" * 40])
def test_a_user_logs_in(world: World, sql: Sql, name: str) -> None:
    sql(f"create user \"{name}\" password '{PASSWORD}'")
    assert Sql(world.connect(name))("select current_user") == [[name]]
    cursor = simple(world, name).cursor()
    cursor.execute("select usename from pg_user where usename = %s", (name,))
    assert cursor.fetchall() == [(name,)]
    with pytest.raises(psycopg2.OperationalError, match=f'for user "{name}"'):
        simple(world, name, password="Wrong123")
    world.open_connections.pop().close()
    world.open_connections.pop().close()
    sql(f'drop user "{name}"')


def test_a_database_has_one(world: World, sql: Sql) -> None:
    name = f"d{TABLE}"
    sql(f"create database {name}")
    cursor = simple(world, database=name).cursor()
    cursor.execute(f"create table public.{TABLE} (a int)")
    cursor.execute(
        "select current_database(), table_name from svv_tables where table_schema = 'public'"
    )
    assert cursor.fetchall() == [(name, TABLE)]
    cursor.execute(f'select count(*) from "{name}"."public"."{TABLE}"')
    world.open_connections.pop().close()
    sql(f"drop database {name}")


def test_copy_and_its_errors(sql: Sql, copy: Copy, table: str) -> None:
    sql(copy(f'{table} ("{ODD}", {COLUMN})', "x,2\n"))
    assert sql(f"select count(*) from {table}") == [[2]]
    assert TABLE in sql.error(copy(f"{table} ({COLUMN})", "nine\n"))
    assert sql(f"select colname from stl_load_errors where colname = '{COLUMN}' limit 1") == [
        [COLUMN]
    ]
    assert sql(f"select table_name from sys_load_history where table_name = '{TABLE}' limit 1") == [
        [TABLE]
    ]
    (text,) = sql("select query_text from sys_query_history order by query_id desc limit 1")[0]
    assert f"copy {table}" in text
    assert f'column "{TABLE}"' in sql.error(copy(f"{table} ({TABLE})", "9\n"))


def test_copy_tells_the_client(world: World, sql: Sql, copy: Copy, table: str) -> None:
    connection = simple(world)
    connection.cursor().execute(copy(f"{table} ({COLUMN})", "5\n"))
    assert f"Load into table '{TABLE}' completed" in "".join(connection.notices)


def test_unload_writes_it(world: World, sql: Sql, table: str) -> None:
    for place, options in (("csv", "csv header"), ("parquet", "parquet")):
        sql(
            f"unload ('select {COLUMN}, \"{ODD}\" from {table}') to 's3://stage/long/{place}_' {ROLE} allowoverwrite format as {options}"
        )
    [key] = world.keys("long/csv_")
    assert world.get(key).decode().splitlines()[0].startswith(f"{COLUMN},")
    [key] = world.keys("long/parquet_")
    assert pq.read_table(io.BytesIO(world.get(key))).column_names == [COLUMN, ODD.lower()]


def test_another_front_knows_it(world: World, sql: Sql, table: str) -> None:
    """As this one does after a restart."""
    path = world.folder / "front" / "other.sock"
    other = world.launch([f"unix:{path}"])
    connection = redshift_connector.connect(
        host="localhost",
        unix_sock=str(path),
        database=DATABASE,
        user="admin",
        password=PASSWORD,
        ssl=False,
    )
    connection.autocommit = True
    session = Sql(connection)
    asked = f"select table_name from svv_tables where table_name = '{TABLE}'"
    assert session(asked) == [[TABLE]]
    assert session(
        "select column_name from svv_columns where table_schema = 't' and ordinal_position = 1"
    ) == [[COLUMN]]
    session(f"create table t.o{TABLE} (a int)")
    assert sql(f"select table_name from svv_tables where table_name = 'o{TABLE}'") == [
        [f"o{TABLE}"]
    ]
    connection.close()
    end(other)

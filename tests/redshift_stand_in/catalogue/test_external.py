"""External schemas and tables: the catalogue tells what it was told, and there are no rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.redshift_stand_in.conftest import Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, World

ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture
def lake(sql: Sql) -> Iterator[Sql]:
    """A session with the external schema ``lake`` and the table ``lake.sales``."""
    sql("drop schema if exists lake cascade")
    sql(f"create external schema lake from data catalog database 'glue' iam_role '{ROLE}'")
    sql(
        "create external table lake.sales (id int, note varchar(20), price decimal(8,2)) "
        "partitioned by (day date, shop smallint) stored as parquet location 's3://b/sales/' "
        "table properties ('numRows'='7')"
    )
    yield sql
    sql("drop schema if exists lake cascade")


def test_the_catalogue_tells_of_the_schema(lake: Sql) -> None:
    assert lake(
        "select eskind, schemaname, databasename, esoptions from svv_external_schemas "
        "where schemaname = 'lake'"
    ) == [[1, "lake", "glue", f'{{"IAM_ROLE":"{ROLE}"}}']]
    assert lake("select schema_type from svv_all_schemas where schema_name = 'lake'") == [
        ["external"]
    ]


def test_the_catalogue_tells_of_the_table(lake: Sql) -> None:
    lake("alter table lake.sales add column extra int")
    assert lake(
        "select columnname, external_type, columnnum, part_key from svv_external_columns "
        "where schemaname = 'lake' order by columnnum"
    ) == [
        ["id", "int", 1, 0],
        ["note", "varchar(20)", 2, 0],
        ["price", "decimal(8,2)", 3, 0],
        ["extra", "int", 4, 0],
        ["day", "date", 5, 1],
        ["shop", "smallint", 6, 2],
    ]
    lake("alter table lake.sales set location 's3://b/other/'")
    lake("alter table lake.sales set table properties ('numRows'='8', 'a'='b')")
    lake("alter table lake.sales set file format orc")
    ((location, reader, properties),) = lake(
        "select location, input_format, parameters from svv_external_tables "
        "where schemaname = 'lake'"
    )
    assert (location, properties) == ("s3://b/other", '{"a":"b","numRows":"8"}')
    assert "OrcInputFormat" in reader


def test_other_catalogues_do_not_show_it(lake: Sql) -> None:
    for query in (
        "select relname from pg_class where relname = 'sales'",
        "select a.attname from pg_attribute a where a.attname = 'shop'",
        "select tablename from pg_tables where schemaname = 'lake'",
        "select table_name from information_schema.tables where table_schema = 'lake'",
        "select column_name from information_schema.columns where table_schema = 'lake'",
        "select table_name from svv_redshift_tables where schema_name = 'lake'",
        "select column_name from svv_redshift_columns where schema_name = 'lake'",
        "select schema_name from svv_redshift_schemas where schema_name = 'lake'",
    ):
        assert lake(query) == [], query
    assert lake("select table_type from svv_all_tables where schema_name = 'lake'") == [
        ["EXTERNAL TABLE"]
    ]
    assert [row[:4] for row in lake("show tables from schema dev.lake")] == [
        ["dev", "lake", "sales", "EXTERNAL TABLE"]
    ]


def test_who_may_not_use_the_schema_does_not_see_it_in_other_catalogues(
    lake: Sql, world: World
) -> None:
    if not lake("select 1 from pg_user where usename = 'lake_stranger'"):
        lake("create user lake_stranger password 'Secret123'")
    stranger = Sql(world.connect("lake_stranger"))
    assert stranger("select tablename from pg_tables where schemaname = 'lake'") == []
    assert stranger("select tablename from svv_external_tables where schemaname = 'lake'") == []


def test_nobody_knows_whether_a_materialized_view_on_it_is_stale(lake: Sql) -> None:
    lake("create materialized view t.m as select id from lake.sales")
    assert lake("select is_stale, autorewrite from stv_mv_info where name = 'm'") == [["u", "f"]]
    lake.connection.notices.clear()
    lake("refresh materialized view t.m")
    (notice,) = lake.connection.notices
    assert b"was incrementally updated" in notice[b"M"]
    lake("drop materialized view t.m")


def test_partitions(lake: Sql) -> None:
    lake(
        "alter table lake.sales add partition(shop=1, day='2024-01-01') location 's3://b/1/' "
        "partition(day='2024-01-02', shop=1) location 's3://b/2/'"
    )
    lake("alter table lake.sales drop partition(day='2024-01-02', shop=1)")
    lake("alter table lake.sales partition(day='2024-01-01', shop=1) set location 's3://b/3/'")
    lake(
        "alter table lake.sales add if not exists partition(day='2024-01-01', shop=1) "
        "location 's3://b/4/'"
    )
    assert lake(
        "select \"values\", location from svv_external_partitions where schemaname = 'lake'"
    ) == [['["2024-01-01","1"]', "s3://b/3"]]


def test_there_are_no_rows_and_the_server_says_so(lake: Sql, copy: Copy) -> None:
    lake.connection.notices.clear()
    lake("create external table lake.more (id int) stored as parquet location 's3://b/more/'")
    (notice,) = lake.connection.notices
    assert b"reads no files: lake.more has no rows here" in notice[b"M"]
    assert lake("select count(*) from lake.more m join lake.sales s on s.id = m.id") == [[0]]
    assert "stand-in" in lake.error("insert into lake.more values (1)")
    assert "stand-in" in lake.error(copy("lake.more", "1\n"))


def test_its_commands_refuse_a_transaction_block(lake: Sql, world: World) -> None:
    other = Sql(world.connect(autocommit=False))
    for statement in (
        "create external table lake.more (id int) stored as parquet location 's3://b/more/'",
        "alter table lake.sales set location 's3://b/more/'",
        "alter table lake.sales add column extra int",
    ):
        assert "inside a transaction block" in other.error(statement)
        other("rollback")


def test_usage_of_the_schema_gives_its_tables(lake: Sql, world: World) -> None:
    if not lake("select 1 from pg_user where usename = 'lake_reader'"):
        lake("create user lake_reader password 'Secret123'")
    reader = Sql(world.connect("lake_reader"))
    assert "permission denied" in reader.error("select * from lake.sales")
    assert reader("select * from svv_external_tables where schemaname = 'lake'") == []
    lake("grant usage on schema lake to lake_reader")
    assert reader("select * from lake.sales") == []
    assert "permission denied" in reader.error(
        "create external table lake.more (id int) stored as parquet location 's3://b/more/'"
    )
    assert "must be owner" in reader.error("alter table lake.sales set location 's3://b/x/'")


def test_the_schema_is_dropped_with_its_tables_the_database_only_with_cascade(lake: Sql) -> None:
    assert "use CASCADE" in lake.error("drop schema lake drop external database")
    lake("drop schema lake")
    assert lake("select * from svv_external_tables where schemaname = 'lake'") == []
    assert lake("select * from svv_external_schemas where schemaname = 'lake'") == []

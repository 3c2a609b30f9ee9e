"""The versions of Redshift's protocol, by redshift_connector: what is sent, and how it is read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from redshift_stand_in import corpus
from redshift_stand_in.wire.version import Version

from tests.redshift_stand_in.conftest import Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World

ALL = pytest.mark.parametrize("version", list(Version))

TABLE = (
    "create table t.v(i int not null, b bigint identity(1, 1), n numeric(12, 2), "
    "w numeric(38, 10), d date, m timestamp, z timestamptz, c time, o boolean, f float8, "
    "s varchar(20), y varbyte(4))"
)
VALUES = (
    "insert into t.v(i, n, w, d, m, z, c, o, f, s, y) values (1, -12.5, "
    "1234567890123456789012345678.0123456789, '2024-02-29', '2024-02-29 01:02:03.000004', "
    "'2024-02-29 01:02:03.5+02', '23:59:58', true, 0.1, 'é', 'abc'::varbyte), "
    "(2, null, null, null, null, null, null, null, null, null, null)"
)
ROW: list[Any] = [
    1,
    1,
    Decimal("-12.50"),
    Decimal("1234567890123456789012345678.0123456789"),
    date(2024, 2, 29),
    datetime(2024, 2, 29, 1, 2, 3, 4),
    datetime(2024, 2, 28, 23, 2, 3, 500_000, tzinfo=UTC),
    time(23, 59, 58),
    True,
    0.1,
    "é",
]


def session(world: World, version: Version) -> Sql:
    connection = world.connect(version=version)
    assert connection._client_protocol_version == version
    return Sql(connection)


@ALL
def test_a_row_reads_alike_by_every_version(world: World, sql: Sql, version: Version) -> None:
    sql(TABLE)
    sql(VALUES)
    ask = session(world, version)
    row, empty = ask("select * from t.v order by i")
    # In binary the driver keeps 28 digits.
    wanted = [
        +value if version == Version.BINARY and i == 3 else value for i, value in enumerate(ROW)
    ]
    assert [str(value) for value in row[:-1]] == [str(value) for value in wanted]
    assert row[-1] == "abc"
    assert empty == [2, 2, *[None] * 10]
    assert ask("select * from t.v where i = %s", 1) == [row]


def test_a_date_before_1612_is_read_wrong_in_binary_as_from_redshift(
    world: World, sql: Sql
) -> None:
    sql("create table t.v(d date)")
    sql("insert into t.v values ('1500-02-28')")
    assert session(world, Version.BASE)("select d from t.v") == [[date(1500, 2, 28)]]
    assert session(world, Version.BINARY)("select d from t.v") == [[date(1500, 3, 9)]]


@ALL
@pytest.mark.parametrize("query", ["{}", "/* a comment */ with q as ({}) select * from q -- end"])
def test_a_computed_numeric_has_its_value(
    world: World, sql: Sql, version: Version, query: str
) -> None:
    sql("create table t.v(n numeric(12, 2))")
    sql("insert into t.v values (1.25), (2.50)")
    ask = session(world, version)
    (row,) = ask(query.format("select sum(n) a, sum(n) * -3 b, 0.0 * max(n) c, 7 d from t.v"))
    assert [str(value) for value in row] == ["3.75", "-11.25", "0.000", "7"]
    assert ask("select sum(n) from t.v where n > %s", 1) == [[Decimal("3.75")]]
    assert ask("select sum(n) from t.v where n > 5") == [[None]]


def test_a_quotient_has_the_scale_that_redshift_computes(world: World, sql: Sql) -> None:
    sql("create table t.v(n numeric(12, 2), m numeric(5, 1), b bigint)")
    sql("insert into t.v values (10, 3, 5)")
    ask = session(world, Version.BINARY)
    (row,) = ask("select n / m, sum(b), n / m from t.v group by n, m")
    assert [str(value) for value in row] == ["3.3333333", "5", "3.3333333"]


def test_a_computed_numeric_in_a_transaction_leaves_it_as_it_is(world: World, sql: Sql) -> None:
    ask = session(world, Version.BINARY)
    ask("begin")
    ask("create table t.v(n numeric(12, 2))")
    ask("insert into t.v values (0)")
    assert "division by zero" in ask.error("select 1 / n, n + 1 from t.v").lower()
    ask("rollback")
    ask("begin")
    ask("create table t.v(n numeric(12, 2))")
    assert ask("select n + 1 from t.v") == []
    ask("commit")
    assert ask("select count(*) from t.v") == [[0]]


def test_a_computed_numeric_that_is_too_long_is_an_error_and_the_session_goes_on(
    world: World, sql: Sql
) -> None:
    sql("create table t.v(n numeric(38, 0))")
    sql("insert into t.v values (99999999999999999999999999999999999999)")
    ask = session(world, Version.BINARY)
    assert "overflow" in ask.error("select n * 10 from t.v")
    assert ask("select 1") == [[1]]


@pytest.mark.parametrize("version", [Version.METADATA, Version.BINARY])
def test_columns_are_described_with_their_tables(world: World, sql: Sql, version: Version) -> None:
    sql(TABLE)
    ask = session(world, version)
    ask("select i as one, n, b, i + 1 as two from t.v")
    keys = ("schema_name", "table_name", "column_name", "catalog_name", "nullable", "autoincrement")
    described = [[column[key] for key in keys] for column in ask.cursor.ps["row_desc"]]
    assert described == [
        [b"t", b"v", b"i", b"dev", 0, 0],
        [b"t", b"v", b"n", b"dev", 1, 0],
        [b"t", b"v", b"b", b"dev", 0, 1],
        [b"", b"", b"", b"", 1, 0],
    ]


def test_a_table_of_the_open_transaction_is_described_too(world: World, sql: Sql) -> None:
    ask = session(world, Version.BINARY)
    ask("begin")
    ask("create table t.v(a int)")
    ask("select a from t.v")
    assert ask.cursor.ps["row_desc"][0]["table_name"] == b"v"
    ask("rollback")
    assert "does not exist" in ask.error("select a from t.v")
    assert ask("select 1") == [[1]]


@ALL
def test_access_rights_are_read_by_every_version(world: World, sql: Sql, version: Version) -> None:
    sql("create table t.v(a int)")
    sql("grant select on t.v to public")
    ask = session(world, version)
    ((rights, kinds),) = ask(
        "select relacl, array[relkind, 'x'] from pg_class c join pg_namespace n "
        "on n.oid = relnamespace where relname = 'v' and nspname = 't'"
    )
    assert [right.split("/")[0] for right in rights][1:] == ["=r"]
    assert kinds == ["r", "x"]


@ALL
def test_a_value_that_is_bound_again_keeps_its_form(
    world: World, sql: Sql, version: Version
) -> None:
    sql("create table t.v(i int, n numeric(5, 1))")
    ask = session(world, version)
    for i in range(3):
        ask("insert into t.v values (%s, %s)", i, Decimal(i) / 2)
    found = [ask("select n from t.v where i = %s", i) for i in range(3)]
    assert [str(row[0][0]) for row in found] == ["0.0", "0.5", "1.0"]


@pytest.mark.parametrize("name", ["answers", "functions", "queries"])
def test_whatever_is_described_beside_a_computed_numeric_is_answered(
    world: World, sql: Sql, name: str
) -> None:
    """Sizes of columns are looked for in the tree of the query, whatever else is in it."""
    ask = session(world, Version.BINARY)
    ask("set search_path to t")
    [part] = [part for part in corpus.parts() if part.name == name]
    for statement in part.made:
        ask(statement)
    for case in part.cases:
        if case.sign == "=":
            ask(f"select 1.5 * 2 as computed, {case.text}")
        elif case.sign == "+":
            ask(case.statement)
            if case.statement.lower().startswith("select"):
                ask(f"select q.*, 1.5 * 2 as computed from ({case.statement}) as q")


@ALL
def test_the_end_of_a_day_is_its_beginning(world: World, sql: Sql, version: Version) -> None:
    """As in the driver's tests (test_datatypes.py)."""
    sql("create table t.v(a time, b timetz)")
    sql("insert into t.v values ('24:00:00', '24:00:00+00'), ('23:59:59', '23:59:59+00')")
    rows = session(world, version)("select a, b from t.v order by a")
    assert [[str(value) for value in row] for row in rows] == [
        ["23:59:59", "23:59:59+00:00"],
        ["00:00:00", "00:00:00+00:00"],
    ]


@ALL
def test_a_time_with_a_zone_is_in_utc(world: World, sql: Sql, version: Version) -> None:
    sql("create table t.v(b timetz)")
    sql("insert into t.v values ('22:44:54-07'), ('01:02:03.5+05:30'), ('24:00:00-06')")
    rows = session(world, version)("select b from t.v order by b")
    assert [str(value) for (value,) in rows] == [
        "19:32:03.500000+00:00", "05:44:54+00:00", "06:00:00+00:00",
    ]  # fmt: skip

"""What statements mean: types, comparison, DDL, MERGE, functions."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import datetime
import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World


def test_lengths_are_in_bytes(sql: Sql) -> None:
    sql("create table t.s(v varchar(5), c char(3), d text)")
    assert "character varying(5)" in sql.error("insert into t.s(v) values ('ééé')")
    assert "Multibyte" in sql.error("insert into t.s(c) values ('é')")
    assert "too long" in sql.error("insert into t.s(c) values ('abcd')")
    sql("insert into t.s(v, c) values ('abcde   ', 'ab')")
    assert sql("select v, c, len(c), cast('ééé' as varchar(5)), 'abcdef'::char(2) from t.s") == [
        ["abcde", "ab ", 2, "éé", "ab"]
    ]
    sql("update t.s set v = 'xyz' where v = 'abcde'")
    assert "too long" in sql.error("update t.s set v = repeat('é', 3)")
    assert "too long" in sql.error("insert into t.s(d) values (repeat('x', 257))")


def test_trailing_blanks_do_not_count_in_comparisons(sql: Sql) -> None:
    sql("create table t.s(v varchar(10))")
    sql("insert into t.s values ('a'), ('a  '), ('b')")
    assert sql("select count(*) from t.s where v = 'a'") == [[2]]
    assert sql("select count(distinct v), len(max(v)) from t.s") == [[2, 1]]
    assert sql("select count(*) from t.s x join t.s y on x.v = y.v") == [[5]]
    assert sql("select count(*) from t.s where v in ('a ', 'c')") == [[2]]
    assert sql("select 'a' < 'a ', 'a' like 'a ', 'B' < 'a', 'a' = 'b'") == [
        [False, False, True, False]
    ]
    assert sql("select count(*) from (select v from t.s group by v)") == [[2]]


def test_decimals_and_integers(sql: Sql) -> None:
    sql("create table t.n(a decimal, b decimal(10,2), i int)")
    sql("insert into t.n values (2.6, 1.005, 7), (3, 2, 8)")
    assert sql("select a, b from t.n order by i limit 1") == [[Decimal(3), Decimal("1.01")]]
    assert sql("select avg(i), 7 / 2, avg(b), sum(i) from t.n") == [[7, 3, Decimal("1.50"), 15]]
    assert "overflow" in sql.error("insert into t.n(b) values (123456789)")


def test_keys_are_not_enforced(sql: Sql) -> None:
    sql(
        "create table t.k(id int primary key, u int unique, constraint f foreign key (u) references t.k(id))"
    )
    sql("insert into t.k values (1, 5), (1, 5)")
    assert sql("select count(*) from t.k") == [[2]]
    assert "NULL value" in sql.error("insert into t.k(u) values (1)")
    sql("alter table t.k add constraint x unique (id, u)")
    sql("insert into t.k values (1, 5)")


def test_quoted_names_fold(sql: Sql) -> None:
    sql('create table t."MixEd"("ID" int, "select" varchar(3))')
    sql("insert into T.mixed values (1, 'a')")
    assert sql('select Id, "SELECT" from t."MIXED"') == [[1, "a"]]


def test_attributes_are_remembered(sql: Sql) -> None:
    sql("create table t.d(a int encode az64, b varchar(3)) distkey(a) interleaved sortkey(a, b)")
    sql("insert into t.d values (1, 'x')")
    assert sql(
        "select diststyle, sortkey1, sortkey_num from svv_table_info where \"table\" = 'd'"
    ) == [["KEY(a)", "INTERLEAVED", 2]]
    sql("set search_path to t")
    found = sql(
        "select \"column\", type, encoding, distkey, sortkey from pg_table_def where tablename = 'd'"
    )
    assert found[1] == ["b", "character varying(3)", "none" + " " * 28, False, -2]
    assert found[0][2].strip() == "az64"
    sql("alter table t.d alter sortkey none")
    sql("alter table t.d alter diststyle even")
    assert sql("select diststyle from svv_table_info where \"table\" = 'd'") == [["EVEN"]]
    assert "not in the table" in sql.error("create table t.e(a int) distkey(zz)")


def test_a_table_made_like_another_has_its_attributes(sql: Sql) -> None:
    sql("create table t.parent (a int encode az64, b int, c int) distkey (b) sortkey (b, a)")
    sql("create table t.child (like t.parent)")
    sql("set search_path to t")
    columns = 'select "column", encoding, distkey, sortkey from pg_table_def where tablename = '
    child = sorted(sql(f"{columns}'child'"))
    assert child == sorted(sql(f"{columns}'parent'"))
    assert [row[2:] for row in child] == [[False, 2], [True, 1], [False, 0]]


def test_names_without_a_schema_and_tables_that_are_there(world: World, sql: Sql) -> None:
    sql("set search_path to t")
    sql("create table plain(a int) diststyle even")
    sql("create table copied as select 'x' as v")
    sql("create table if not exists plain(a int, b int) diststyle all")
    sql("insert into plain values (1)")
    assert sql("select diststyle from svv_table_info where \"table\" = 'plain'") == [["EVEN"]]
    sql("create temp table passing(a int distkey)")
    sql("insert into passing select a from plain")
    assert sql("select * from passing") == [[1]]
    assert "already exists" in sql.error("create table plain(a int)")


def test_create_table_as_leaves_types_that_redshift_has(sql: Sql) -> None:
    sql(
        "create table t.c as select 'abc' as a, cast('x' as varchar(7)) as b, 1::decimal(5,2) as c, getdate() as d"
    )
    sql("set search_path to t")
    assert sql("select type from pg_table_def where tablename = 'c'") == [
        ["character varying(65535)"],
        ["character varying(7)"],
        ["numeric(5,2)"],
        ["timestamp without time zone"],
    ]
    sql("create temp table s (like t.c)")
    sql("insert into s select * from t.c")
    assert sql("select a, b from s") == [["abc", "x"]]


def test_alter_table(sql: Sql) -> None:
    sql("create table t.a(id int, v varchar(3))")
    sql("insert into t.a values (1, 'abc')")
    sql("alter table t.a add column w decimal(8,2) encode az64")
    sql("alter table t.a alter column v type varchar(10)")
    sql("update t.a set v = 'abcdef'")
    sql("alter table t.a rename column w to x")
    sql("alter table t.a rename to b")
    sql("alter table t.b drop column x")
    assert sql("select * from t.b") == [[1, "abcdef"]]
    sql("create table t.p(like t.b)")
    sql("insert into t.p values (2, 'p')")
    sql("alter table t.b append from t.p")
    assert sql("select id from t.b order by 1") == [[1], [2]]
    assert sql("select count(*) from t.p") == [[0]]


def test_a_missing_value_is_refused_in_redshifts_words(sql: Sql) -> None:
    """As dbt-redshift's tests expect them."""
    sql("create table t.n(id int not null, v int)")
    for statement in ("insert into t.n values (null, 1)", "insert into t.n (v) values (1)"):
        assert sql.error(statement) == "Cannot insert a NULL value into column id"


def test_truncate_commits(world: World, sql: Sql) -> None:
    sql("create table t.x(id int)")
    session = type(sql)(world.connect(autocommit=False))
    session("insert into t.x values (1)")
    session("truncate t.x")
    session("insert into t.x values (2)")
    session.connection.rollback()
    assert sql("select count(*) from t.x") == [[0]]
    assert "transaction block" in _in_transaction(world, sql, "vacuum t.x")
    assert "transaction block" in _in_transaction(world, sql, "alter table t.x append from t.x")
    sql("vacuum full t.x")
    sql("analyze t.x")
    assert "does not exist" in sql.error("vacuum t.nope")


def _in_transaction(world: World, sql: Sql, text: str) -> str:
    session = type(sql)(world.connect(autocommit=False))
    session("select 1")
    message = session.error(text)
    session.connection.rollback()
    return message


def test_merge(sql: Sql) -> None:
    sql("create table t.target(id int, v varchar(5))")
    sql("create table t.source(id int, v varchar(5))")
    sql("insert into t.target values (1, 'old'), (3, 'keep')")
    sql("insert into t.source values (1, 'new'), (2, 'two')")
    statement = (
        "merge into t.target using t.source s on t.target.id = s.id when matched then update set v = s.v "
        "when not matched then insert (id, v) values (s.id, s.v)"
    )
    sql(statement)
    assert sql("select * from t.target order by id") == [[1, "new"], [2, "two"], [3, "keep"]]
    sql("insert into t.source values (1, 'twice')")
    assert "multiple matches" in sql.error(statement)
    sql("create view t.view as select * from t.source")
    assert "must be a table" in sql.error(statement.replace("t.source", "t.view"))
    sql("delete from t.source where v = 'twice'")
    sql("insert into t.source values (2, 'two')")
    sql("merge into t.target using t.source on t.target.id = t.source.id remove duplicates")
    assert sql("select * from t.target order by id") == [[1, "new"], [2, "two"], [3, "keep"]]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("datediff(month, '2024-01-31', '2024-02-01')", 1),
        ("datediff(hour, '2024-01-01 10:59'::timestamp, '2024-01-01 11:00'::timestamp)", 1),
        ("datediff(week, '2024-01-06'::date, '2024-01-07'::date)", 1),
        ("dateadd(month, 1, '2024-01-31'::date)", datetime.datetime(2024, 2, 29)),
        ("dateadd(month, 1, '2024-02-29'::date)", datetime.datetime(2024, 3, 29)),
        ("dateadd(hour, -1, '2024-01-01'::timestamp)", datetime.datetime(2023, 12, 31, 23)),
        ("date_trunc('day', '2024-05-06'::date)", datetime.datetime(2024, 5, 6)),
        ("trunc('2024-05-06 10:00'::timestamp)", datetime.date(2024, 5, 6)),
        ("last_day('2024-02-03'::date)", datetime.date(2024, 2, 29)),
        (
            "convert_timezone('UTC', 'Europe/Paris', '2024-06-01 12:00:00'::timestamp)",
            datetime.datetime(2024, 6, 1, 14),
        ),
        ("len('é')", 1),
        ("nvl(null, 2)", 2),
        ("nvl2(null::int, 1, 2)", 2),
        ("decode(null, null, 'n', 'x')", "n"),
        ("strtol('ff', 16)", 255),
        ("charindex('b', 'abc')", 2),
        ("concat('a', null)", None),
        ("regexp_replace('aXbX', 'X', '-')", "a-b-"),
        ("regexp_substr('abc123', '[0-9]+')", "123"),
        ("split_part('a,b', ',', 2)", "b"),
        ("sha2('a', 256)", hashlib.sha256(b"a").hexdigest()),
        ("json_extract_path_text('{\"a\": {\"b\": 1}}', 'a', 'b')", "1"),
        ("'a\\\\tb'", "a\\tb"),
        ("'x\\ty'", "x\ty"),
        ("lower('ÉA')", "éa"),
        ("to_hex('abc'::varbyte)", "616263"),
    ],
)
def test_functions(sql: Sql, expression: str, value: object) -> None:
    found = sql(f"select {expression}")[0][0]
    assert found == value


def test_queries_that_postgres_spells_differently(sql: Sql) -> None:
    sql("create table t.q(id int, v varchar(5), n int)")
    sql("insert into t.q values (1, 'a', 3), (1, 'b', 2), (2, 'c', 1)")
    assert sql(
        "select id, v from t.q qualify row_number() over (partition by id order by n desc) = 1 order by id"
    ) == [[1, "a"], [2, "c"]]
    assert sql(
        "select * from t.q qualify row_number() over (partition by id order by n) = 1 order by id"
    ) == [[1, "b", 2], [2, "c", 1]]
    assert sql(
        "select q.*, n + 1 as m from t.q as q where n > 1 qualify rank() over (order by n) = 1"
    ) == [[1, "b", 2, 3]]
    assert sql(
        "with x as (select * from t.q a join t.q b on a.id = b.id and a.n = b.n qualify count(*) over (partition by a.id) = 1) select count(*) from x".replace(
            "select * from t.q a join t.q b", "select a.* from t.q a join t.q b"
        )
    ) == [[1]]
    assert sql("select top 1 id from t.q order by id desc") == [[2]]
    assert sql("select id from t.q minus select 1") == [[2]]
    assert sql("select listagg(distinct v, ',') within group (order by v) from t.q") == [["a,b,c"]]
    assert sql("select median(n), count(*) from (select * from t.q)") == [[2.0, 3]]
    assert sql("select sum(n) over (order by n rows unbounded preceding) from t.q order by 1") == [
        [1],
        [3],
        [6],
    ]
    assert sql(
        "select a.id from (select id from t.q) a, (select 1 as one) where a.id = one limit 1"
    ) == [[1]]


def test_refusals_fail_the_transaction(world: World, sql: Sql) -> None:
    session = type(sql)(world.connect(autocommit=False))
    session("create table t.r(a int)")
    assert "DISTINCT ON" in session.error("select distinct on (a) a from t.r")
    assert "aborted" in session.error("select 1")
    session.connection.rollback()
    assert "does not exist" in sql.error("select * from t.r")


def test_show_commands(sql: Sql) -> None:
    sql("create table t.a(id int not null, v varchar(7))")
    sql("comment on table t.a is 'about a'")
    assert [r[2:4] for r in sql('show tables from schema "dev"."t"')] == [["a", "TABLE"]]
    columns = sql('show columns from table "dev"."t"."a"')
    assert [c[3:5] + c[6:9] for c in columns] == [
        ["id", 1, "NO", "integer", None],
        ["v", 2, "YES", "character varying", 7],
    ]
    assert "t" in [r[1] for r in sql('show schemas from database "dev"')]
    assert sql("select split_part(version(), ' ', 2)") == [["8.0.2"]]

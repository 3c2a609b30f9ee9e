"""Statements that PostgreSQL takes and Redshift refuses; and Redshift's that must not be refused."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import pytest
from redshift_stand_in.errors import NotInStandIn, StatementError
from redshift_stand_in.statements import plan


def refusal(text: str) -> StatementError:
    planned = plan.make(text)
    assert planned.run is not None, f"{text!r} is not refused"
    with pytest.raises(StatementError) as caught:
        planned.run(None)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("insert into t(id) values (1) on conflict do nothing", "ON CONFLICT"),
        ("select distinct on (id) id from t", "DISTINCT ON"),
        ("insert into t(id) values (1) returning id", "RETURNING"),
        ("select count(*) filter (where id=1) from t", "FILTER"),
        ("select * from t, lateral (select 1) y", "LATERAL"),
        ("select array[1,2]", "ARRAY"),
        ("create table j(a int[])", ""),
        ("create table j(a jsonb)", "JSONB"),
        ("create table j(a uuid)", "UUID"),
        ("create table j(a serial)", "SERIAL"),
        ("create table j(a bytea)", "BYTEA"),
        ("alter table j add column a json", "JSON"),
        ("select '1'::uuid", "UUID"),
        ("select cast(x as jsonb) from t", "JSONB"),
        ("select a ->> 'x' from t", "operator"),
        ("create table j(a decimal(39,2))", "between 1 and 38"),
        ("create table j(a decimal(38,38))", "scale"),
        ("create table j(a varchar(70000))", "65535"),
        ("create table j(a char(5000))", "4096"),
        ("create table j(a int check (a > 0))", "CHECK"),
        ("create table j(a int) diststyle key", "DISTKEY"),
        ("create table j(a int) diststyle none", "syntax"),
        ("create table j(a int distkey, b int distkey)", "more than one DISTKEY"),
        ("create table j(a int encode fast)", "encoding"),
        ("create table j(a int) partition by range (a)", "syntax|partition"),
        ("create index i on t(id)", "index"),
        ("create type e as enum ('a')", "TYPE"),
        ("create sequence s", "SEQUENCE"),
        ("select * from (values (1,2)) x(a,b)", "VALUES"),
        ("select * from t where a is distinct from b", "DISTINCT FROM"),
        ("savepoint x", "SAVEPOINT"),
        ("rollback to x", "ROLLBACK TO"),
        ("select now() from t", "not supported on Redshift tables"),
        ("insert into t select generate_series(1,3)", "not supported on Redshift tables"),
        ("select sum(a) over (order by b) from t", "frame clause"),
        (
            "select sum(a) over (order by b range between unbounded preceding and current row) from t",
            "RANGE",
        ),
        ("select a from t for update", "FOR UPDATE"),
        ("alter table t add column x int, add column y int", "More than one"),
        ("alter table t alter column v set not null", "SET/DROP"),
        ("alter table t alter column v type int", "VARCHAR"),
        ("alter table t add column if not exists v int", "IF NOT EXISTS"),
        (
            "merge into t as x using s on x.id=s.id when matched then delete when not matched then insert values (1)",
            "alias",
        ),
        (
            "merge into t using (select 1 id) s on t.id=s.id when matched then delete when not matched then insert values (1)",
            "subquery",
        ),
        (
            "merge into t using s on t.id=s.id when matched and s.id>1 then delete when not matched then insert values (1)",
            "condition",
        ),
        ("merge into t using s on t.id=s.id when matched then delete", "without WHEN"),
        (
            "merge into t using s on t.id=s.id when not matched then insert values (1) when matched then delete",
            "without WHEN",
        ),
        (
            "merge into t using s on t.id > s.id when matched then delete when not matched then insert values (1)",
            "equality",
        ),
        ("copy t from stdin", "other than from S3"),
        ("create table raw(a int)", "raw"),
        ("select tag from t", "tag"),
        ("select 1; select 2", "multiple commands"),
        ("select 'abc", "unterminated"),
        ("select /* x", "unterminated"),
        ("set standard_conforming_strings = on", "cannot be changed"),
        ("select ctid from t", "system column"),
    ],
)
def test_what_redshift_does_not_have_is_refused(text: str, reason: str) -> None:
    import re

    assert re.search(reason, str(refusal(text)), re.I)


@pytest.mark.parametrize(
    "text",
    [
        "create table j(a geometry)",
        "select json_size(a) from t",
        "create materialized view m using iceberg as select 1",
        "create external function f(int) returns int stable lambda 'x' iam_role default",
        "create datashare d",
        "grant usage on datashare d to namespace 'x'",
        "create procedure p() as $$ begin end $$ language plpgsql",
        "call p()",
        "grant select for tables in schema s to role r",
        "show table t",
        "select qualify_me, a+1 from t qualify row_number() over (partition by a order by b) = 1",
    ],
)
def test_what_only_the_stand_in_lacks_is_refused_by_name(text: str) -> None:
    assert isinstance(refusal(text), NotInStandIn)
    assert "stand-in" in str(refusal(text))


@pytest.mark.parametrize(
    "text",
    [
        "select 'on conflict do nothing returning filter (where' as a from t",
        'select "returning", "json" from t -- lateral',
        "select json_extract_path_text(a, 'b') from t",
        "select a::decimal(10,2) as json from t",
        "select sum(a) over (partition by b) from t",
        "select row_number() over (order by a) from t",
        "select sum(a) over (order by b rows unbounded preceding) from t",
        "select t.tag from t",
        "select current_date from t",
        "select getdate() from t",
        "select now()",
        "select extract(epoch from now())",
        "select nspname from pg_namespace where current_schema() = nspname",
        "insert into t values (1), (2)",
        "select * from t order by a nulls last",
        "delete from t using s where t.a = s.a",
        "select 1 as one union all select 2",
        "comment on table t is $$it's$$",
        "select decode(a, 1, 'x', 'y') from t",
        "with a as (select 1 as x) select * from a",
        "grant select on all tables in schema s to group g",
        "grant role r to u",
        "alter default privileges in schema s grant select on tables to group g",
        "select top 5 a from t",
    ],
)
def test_what_redshift_has_is_not_refused(text: str) -> None:
    assert plan.make(text).run is None

"""SQL text: tokens, and Redshift's expressions in PostgreSQL's words."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import cProfile
import pstats
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.context import mask
from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql import lexer, refuse
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.rewrite import expressions, grants, show
from redshift_stand_in.sql.tables import alter_table, create_table, views
from redshift_stand_in.sql.tables.attributes import Key


@given(st.text())
def test_a_literal_reads_back_as_the_value(text: str) -> None:
    text = text.replace("\0", "")
    assert lexer.unescape(lexer.literal(text)[1:]) == text


@given(st.lists(st.text(alphabet="ab'\"\\-/*;$ \n()", max_size=8), max_size=6))
def test_any_text_is_tokens_in_order_or_a_clear_error(parts: list[str]) -> None:
    text = " ".join(parts)
    try:
        tokens = Sql(text).tokens
    except StatementError as error:
        if "unterminated" in str(error):
            return
        raise
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    assert all(text[t.start : t.end] == t.text for t in tokens)


def test_the_tokens_of_a_long_text_are_kept_until_the_next_one_and_of_a_huge_one_never() -> None:
    def kept(text: str) -> bool:
        return Sql(text).tokens is Sql("".join(text)).tokens

    short, long, longer = (f"select '{'x' * size}'" for size in (100, 40_000, 50_000))
    assert kept(short)
    assert kept(long)
    tokens = Sql(long).tokens
    Sql(longer)
    assert Sql(long).tokens is not tokens
    assert not kept(f"select '{'x' * 2_000_000}'")


def test_statements_are_split_outside_of_literals() -> None:
    text = "select ';' ; -- a;b\n select $x$;$x$, \"a;b\" /* ; /* ; */ */;;"
    assert lexer.split_statements(text) == ["select ';'", 'select $x$;$x$, "a;b"']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select nvl(a, b)", "select coalesce(a, b)"),
        (
            "select dateadd(day, 1, a), datediff('month', a, b)",
            "select date_add('day', 1, a), date_diff('month', a, b)",
        ),
        (
            "select x::decimal, cast(y as numeric)",
            "select x::decimal(18,0), cast(y as numeric(18,0))",
        ),
        ('select "MyCol" from "T"', 'select "mycol" from "t"'),
        ("select sysdate", 'select pg_catalog."timestamp"()'),
        ("select 1 minus select 2", "select 1 except select 2"),
        ("select top 3 a from t order by a", "select  a from t order by a limit 3"),
        ("select * from (select 1 as a)", "select * from (select 1 as a) as rs_derived_2"),
        ("select * from (select 1 as a) x", "select * from (select 1 as a) x"),
        (
            "select median(a) from t",
            "select redshift_hidden.median(0.5) within group (order by a) from t",
        ),
        (
            "select listagg(a, ',') within group (order by b) from t",
            "select redshift_hidden.listagg((a)::varchar, ',' order by b) from t",
        ),
        (
            "select listagg(distinct a) from t",
            "select redshift_hidden.listagg(distinct (a)::varchar, '') from t",
        ),
        (
            "select decode(a, 1, 'x', null, 'y', 'z')",
            "select case when (a) is not distinct from (1) then 'x' when (a) is not distinct from (null) then 'y' else 'z' end",
        ),
        ("select convert(integer, a)", "select cast(a as integer)"),
        ("select approximate count(distinct a) from t", "select  count(distinct a) from t"),
        (
            "select extract(year from a), extract('day' from (b)) from t",
            "select pg_catalog.date_part('year'::varchar , a), pg_catalog.date_part('day'::varchar , b) from t",
        ),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    assert expressions.rewrite(text) == expected


def test_inner_forms_are_rewritten_too() -> None:
    text = "select listagg(decode(a, 1, nvl(b, 'x'), 'y'), ',') from (select decode(1, 1, 2) as a)"
    new = expressions.rewrite(text)
    assert "decode" not in new
    assert "nvl" not in new
    assert new.endswith("as rs_derived_" + new.rsplit("_", 1)[1])


def test_create_table_keeps_redshifts_attributes_aside() -> None:
    found = create_table.parse(
        Sql(
            'create table S.T (id bigint identity(1,2) primary key, "V" text encode zstd, n decimal distkey, '
            "y varbyte(10), m varchar(max), unique (n), foreign key (n) references o(x)) "
            "backup no compound sortkey (n, id)"
        )
    )
    assert found.name == '"s"."t"'
    assert found.ddl.split() == [
        "create",
        "table",
        '"s"."t"',
        "(id",
        "bigint",
        "generated",
        "always",
        "as",
        "identity",
        "(start",
        "with",
        "1",
        "increment",
        "by",
        "2",
        "minvalue",
        "1)",
        "not",
        "null,",
        '"V"',
        "varchar(256)",
        ",",
        "n",
        "numeric(18,0)",
        ",",
        "y",
        "varbyte(10),",
        "m",
        "varchar(65535))",
    ]
    attributes = found.attributes
    assert (attributes.diststyle, attributes.distkey) == ("key", "n")
    assert (attributes.sorttype, attributes.sortkeys) == ("compound", ["n", "id"])
    assert attributes.backup is False
    assert attributes.encodings == {"v": "zstd"}
    assert attributes.keys == [
        Key("p", ["id"]),
        Key("u", ["n"]),
        Key("f", ["n"], parent='"o"', parent_columns=["x"]),
    ]


def test_grants_name_groups_and_roles_as_postgres_does() -> None:
    assert _words(grants.rewrite(Sql("grant role r to role s"))) == ["grant", "r", "to", "s"]
    assert _words(grants.rewrite(Sql("grant select on t to role r, group g"))) == [
        "grant",
        "select",
        "on",
        "t",
        "to",
        "r,",
        "group",
        "g",
    ]
    assert (
        grants.rewrite(Sql("create user u password disable createuser"))
        == "create user u password null createrole"
    )
    assert grants.rewrite(Sql("select 1")) is None


def _words(rewritten: str | None) -> list[str]:
    assert rewritten is not None
    return rewritten.split()


@pytest.mark.parametrize("kind", ["bit", "bytea", "interval", "int[]", "varchar(3)[]"])
def test_a_column_whose_type_is_not_supported_is_named(kind: str) -> None:
    """As the driver's tests have the error."""
    word = kind.partition("[")[0].partition("(")[0]
    for statement in (f"create temp table t1 (b int, a {kind})", f"alter table t1 add a {kind}"):
        sql = Sql(statement)
        refuse.check(sql)
        with pytest.raises(StatementError) as caught:
            (alter_table if sql.norm(0) == "ALTER" else create_table).parse(sql)
        assert str(caught.value) == f'Column "t1.a" has unsupported type "{word}".'


def test_show_becomes_a_query() -> None:
    tables = show.query(Sql('show tables from schema "dev"."s"'))
    assert tables is not None
    assert "redshift_show_tables(E's')" in tables
    schemas = show.query(Sql("show schemas from database \"dev\" like 'a%'"))
    assert schemas is not None
    assert "where schema_name like E'a%'" in schemas
    assert show.query(Sql("show search_path")) is None
    keys = show.query(Sql("show constraints foreign keys exported from table $1.$2.$3"))
    assert keys is not None
    assert keys.endswith(
        "_foreign_keys($2::text, $3::text, true) where pk_database_name = $1::text"
    )


def test_the_work_for_a_row_of_an_insert_does_not_grow_with_the_rows() -> None:
    """Drivers send thousands at a time: what reads back to the beginning takes minutes."""

    def calls(rows: int) -> float:
        profile = cProfile.Profile()
        values = ", ".join(["(1, 'a')"] * rows)
        profile.runcall(expressions.rewrite, f"insert into t (a, b) values {values}")
        return float(pstats.Stats(profile).total_calls) / rows  # type: ignore[attr-defined]

    assert calls(400) < 1.2 * calls(100)


def test_a_late_binding_view_is_recognised() -> None:
    found = views.parse(Sql("create or replace view s.v as (select 1) with no schema binding"))
    assert (found.name, found.body, found.replace) == ('"s"."v"', "(select 1)", True)


def test_secrets_are_masked() -> None:
    text = "copy t from 's3://a/b' credentials 'aws_access_key_id=A;aws_secret_access_key=B' secret_access_key 'C' password 'D'"
    masked = mask(text)
    assert not any(secret in masked for secret in ("=A", "=B", "'C'", "'D'"))

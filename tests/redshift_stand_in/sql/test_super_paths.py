"""Paths into SUPER values, and FROM over them, in PostgreSQL's words."""

# ruff: noqa: E501 - statements are read in one line
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.errors import NotInRedshift, NotInStandIn
from redshift_stand_in.sql.checks import paths as checks
from redshift_stand_in.sql.lexer import Sql, quote
from redshift_stand_in.sql.rewrite import by_columns
from redshift_stand_in.sql.rewrite.by_columns import chains


def rewritten(text: str) -> str:
    """The statement; nobody is asked for columns."""
    return by_columns.rewrite(text, lambda _: None).replace("pg_catalog.redshift_", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select c[0].k from t", 'select at(at("c", 0), E\'k\') as "k" from t'),
        ("select x.c.k from t as x", 'select at("x"."c", E\'k\') as "k" from t as x'),
        ("select s.t.c.k from s.t", 'select at("s"."t"."c", E\'k\') as "k" from s.t'),
        ("select c.K::int from t", 'select at("c", E\'k\')::int as "k" from t'),
        (
            "select c.k::varchar(5)::double precision, c.k::int + 1, c.k::int is null, c.k in (1) from t",
            'select at("c", E\'k\')::varchar(5)::double precision as "k", at("c", E\'k\')::int + 1, at("c", E\'k\')::int is null, at("c", E\'k\') in (1) from t',
        ),
        ('select c."K" + 1 from t', "select at(\"c\", E'k') + 1 from t"),
        ("select c[0] as d, c[1] e from t", 'select at("c", 0) as d, at("c", 1) e from t'),
        ("select t[0] from t", 'select at("t", 0) as "t" from t'),
        (
            "select 1 from t where exists (select 1 from u where t.c.k = u.k)",
            'select 1 from t where exists (select 1 from u where at("t"."c", E\'k\') = u.k)',
        ),
        (
            "select x.*, o from t x, x.c o",
            'select x.*, o from t x, unnest("x"."c") as "o" ("o")',
        ),
        (
            "select o.k, i from t x, x.c[0].d as o at i",
            'select at("o"."o", E\'k\') as "k", i from t x, unnest_at(at(at("x"."c", 0), E\'d\')) as "o" ("o", "i")',
        ),
        (
            "select p from t, t.c o, o.d p, p as q",
            'select p from t, unnest("t"."c") as "o" ("o"), unnest(at("o"."o", E\'d\')) as "p" ("p"), unnest("p"."p") as "q" ("q")',
        ),
        (
            "select v from t, unpivot t.c as v at n, unpivot v as w",
            'select v from t, unpivot_at("t"."c") as "v" ("v", "n"), unpivot("v"."v") as "w" ("w")',
        ),
        (
            "select 1 from t where exists (select 1 from t.c o where o.k = t.k)",
            'select 1 from t where exists (select 1 from unnest("t"."c") as "o" ("o") where at("o"."o", E\'k\') = t.k)',
        ),
        (
            "select u.e.k, n from t, unnest(t.c.d) with offset as u (e, n), u.e.f as g",
            'select at("u"."e", E\'k\') as "k", n from t, unnest_at(at("t"."c", E\'d\')) as u (e, n), unnest(at("u"."e", E\'f\')) as "g" ("g")',
        ),
        (
            "update s.t set a = c.k::int from u where u.d[0] = t.b and s.t.c.k = 1",
            'update s.t set a = at("c", E\'k\')::int from u where at("u"."d", 0) = t.b and at("s"."t"."c", E\'k\') = 1',
        ),
        (
            "delete from t using u where u.a = t.a and t.c.k = (select max(t.a) from v where v.c.k = u.c.k)",
            'delete from t using u where u.a = t.a and at("t"."c", E\'k\') = (select max(t.a) from v where at("v"."c", E\'k\') = at("u"."c", E\'k\'))',
        ),
        (
            "delete from t where exists (select 1 from t.c i where i.k = t.k)",
            'delete from t where exists (select 1 from unnest("t"."c") as "i" ("i") where at("i"."i", E\'k\') = t.k)',
        ),
        (
            "select x from t, unnest(t.c) u (x)",
            'select x from t, unnest("t"."c") u (x)',
        ),
        (
            "select o from t left join t.c as o on true",
            'select o from t left join unnest("t"."c") as "o" ("o") on true',
        ),
    ],
)
def test_paths_and_unnesting(text: str, expected: str) -> None:
    assert by_columns.are_needed(Sql(text))
    assert rewritten(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "select t.a, s.t.b, s.t.*, s.f(t.a), u.a from s.t left join s.u on u.a(+) = t.a",
        "select s.t.a from t where t.b in (select u.b from u where u.c = t.c)",
        "select s.a from s.t as s, (select 1 as a) as q where q.a = s.a",
        "with q as (select 1 as a) select q.a from q order by q.a",
        "update t set a = (select max(u.a) from u where u.b = t.b)",
        "delete from s.t where exists (select 1 from u where u.a = t.a)",
        "explain update t set a = 1 from u where u.a = t.a and t.b in (select 1)",
        "insert into s.t (a) select u.a from s.u",
        "select a into s.x from t",
        "select cast(t.a as varchar), t.b::pg_catalog.int4 from t",
        "select indkey[0], c.relname from pg_index i join pg_class c on c.oid = i.indrelid",
        "select s.a from s.s join s.u on u.a = s.a, s.v",
        "delete from s.s where a in (select a from s.u)",
        "select db.s.t.a, extract(year from t.a) from db.s.t",
    ],
)
def test_tables_and_columns_are_no_paths(text: str) -> None:
    assert not by_columns.are_needed(Sql(text))
    assert rewritten(text) == text


@pytest.mark.parametrize("kind", ["right", "full", "full outer"])
def test_super_stands_in_no_right_or_full_join(kind: str) -> None:
    with pytest.raises(NotInRedshift, match="right or full outer join"):
        rewritten(f"select 1 from t {kind} join u on true, t.c as o")


@pytest.mark.parametrize(
    "text",
    [
        "select (c)[0] from t",
        "select json_parse(v)[0] from t",
        "select c[i] from t",
        "select c[$1] from t",
        "merge into t using u on t.a = u.c[0].k when matched then delete",
        "insert into t values (c[0])",
    ],
)
def test_paths_that_only_the_stand_in_lacks(text: str) -> None:
    with pytest.raises(NotInStandIn):
        checks.check(Sql(text))


@pytest.mark.parametrize(
    "text",
    [
        "create table t (c int[3])",
        "update t set c[0] = 1",
        "update t set a = 1, c[0].k = 2 where b = 1",
        "select c[0:1] from t",
        "select c::int[3] from t",
        "select cast(c as s.k[3]) from t",
    ],
)
def test_arrays_are_no_paths(text: str) -> None:
    with pytest.raises(NotInRedshift):
        checks.check(Sql(text))


_NAMES = st.text("abc \"é'.", min_size=1, max_size=5)


@given(_NAMES, st.lists(_NAMES | st.integers(0, 99), min_size=1, max_size=6))
def test_any_path_is_read_as_it_was_written(first: str, steps: list[str | int]) -> None:
    path = "".join(f"[{s}]" if isinstance(s, int) else f" . {quote(s)}" for s in steps)
    sql = Sql(f"select {quote(first)}{path} from t")
    chain = chains.read(sql, 1)
    assert chain is not None
    assert chain.steps == (first, *steps)
    assert sql.norm(chain.end) == "FROM"
    names = chains.Known()
    assert chains.expression(sql, chain, names).count("redshift_at(") == len(steps)
    names.elements.add(first)
    assert chains.expression(sql, chain, names).count("redshift_at(") == len(steps)

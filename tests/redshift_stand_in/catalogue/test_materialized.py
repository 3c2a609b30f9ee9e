"""Materialized views: stale after a write, refreshed in steps, tied to what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.redshift_stand_in.conftest import Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, World

UPDATED = "Refresh successfully updated MV incrementally"
RECOMPUTED = "Refresh successfully recomputed MV from scratch"
CURRENT = "MV was already updated"


@pytest.fixture
def views(sql: Sql) -> Sql:
    """A session with the table ``t.a``, ``t.u`` on it, and ``t.w`` on ``t.u``."""
    sql("create table t.a (i int, n decimal(8,2))")
    sql("insert into t.a values (1, 1.5), (2, 2.5)")
    sql("create materialized view t.u as select i, n * 2 as d, i || 'x' as x from t.a")
    sql("create materialized view t.w as select sum(i) as total from t.u")
    return sql


def stale(sql: Sql) -> dict[str, str]:
    """Which materialized views are stale."""
    return dict(sql("select trim(name), is_stale from stv_mv_info where schema = 't'"))


def notices(sql: Sql) -> list[str]:
    """What the server has told since the last call."""
    told = [notice[b"M"].decode() for notice in sql.connection.notices]
    sql.connection.notices.clear()
    return told


def test_a_write_makes_it_stale_and_a_refresh_makes_it_current(views: Sql, copy: Copy) -> None:
    for write in (
        "insert into t.a values (3, 0)",
        "update t.a set n = 1 where i = 1",
        "delete from t.a where i = 1",
        copy("t.a", "7,1\n"),
        "truncate t.a",
    ):
        assert stale(views) == {"u": "f", "w": "f"}, write
        views(write)
        assert stale(views) == {"u": "t", "w": "f"}, write
        views("refresh materialized view t.w cascade")
        assert views("select i from t.u order by i") == views("select i from t.a order by i")


def test_a_refresh_tells_what_it_did(views: Sql) -> None:
    notices(views)
    views("refresh materialized view t.u")
    assert notices(views) == ["Materialized view u is already up to date."]
    views("insert into t.a values (3, 0)")
    views("refresh materialized view t.w")
    assert notices(views) == [
        "Materialized view w is already up to date.  However, it depends on another materialized "
        "view that is not up to date."
    ]
    assert views("select * from t.w") == [[3]]
    views("refresh materialized view t.w cascade")
    assert notices(views) == ["Materialized view w was incrementally updated successfully."]
    assert views("select * from t.w") == [[6]]
    views("truncate t.a")
    views("refresh materialized view t.u")
    assert notices(views) == ["Materialized view u was recomputed successfully."]
    told = views(
        "select trim(mv_name), status from svl_mv_refresh_status where schema_name = 't' "
        "order by starttime desc limit 5"
    )
    assert told[::-1] == [
        ["u", CURRENT],
        ["w", CURRENT],
        ["u", UPDATED],
        ["w", UPDATED],
        ["u", RECOMPUTED],
    ]
    last = "select trim(mv_name), refresh_type = 'Manual' from sys_mv_refresh_history"
    assert views(f"{last} order by start_time desc limit 1") == [["u", True]]


def test_creation_tells_why_it_will_be_recomputed(views: Sql) -> None:
    notices(views)
    views("create materialized view t.l as select a.i from t.a left join t.a b on a.i = b.i")
    assert "reason: an outer join. The materialized view created, l," in notices(views)[0]
    assert views("select state, autorewrite from stv_mv_info where name = 'l'") == [[0, "f"]]


def test_what_depends_on_the_time_is_always_stale(views: Sql) -> None:
    views("create materialized view t.now as select i, getdate() as g from t.a")
    views("refresh materialized view t.now")
    assert stale(views)["now"] == "t"


def test_a_write_that_is_rolled_back_leaves_it_current(views: Sql, world: World) -> None:
    other = Sql(world.connect(autocommit=False))
    other("insert into t.a values (3, 0)")
    other("rollback")
    assert stale(views)["u"] == "f"


def test_a_write_that_a_refresh_has_not_seen_leaves_it_stale(views: Sql, world: World) -> None:
    other = Sql(world.connect(autocommit=False))
    other("insert into t.a values (3, 0)")
    views("refresh materialized view t.u")
    other("commit")
    assert stale(views)["u"] == "t"


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.sampled_from(["write", "undone write", "truncate", "refresh u", "refresh w cascade"])
    )
)
def test_it_is_stale_from_a_committed_write_until_a_refresh(
    views: Sql, world: World, steps: list[str]
) -> None:
    other = Sql(world.connect(autocommit=False))
    views("refresh materialized view t.w cascade")
    expected = {"u": "f", "w": "f"}
    kept = views("select count(*) from t.u")
    for step in steps:
        if step.startswith("refresh"):
            views(step.replace("refresh", "refresh materialized view").replace("view ", "view t."))
            expected["w"] = "t" if expected["u"] == "t" and step == "refresh u" else expected["w"]
            expected |= {"u": "f"} if step == "refresh u" else {"u": "f", "w": "f"}
            kept = views("select count(*) from t.a")
        elif step == "undone write":
            other("insert into t.a values (5, 5)")
            other("rollback")
        else:
            views("truncate t.a" if step == "truncate" else "insert into t.a values (4, 4)")
            expected["u"] = "t"
        assert stale(views) == expected
        assert views("select count(*) from t.u") == kept
    other.connection.close()


def test_readers_do_not_wait_for_a_refresh_and_see_it_after_its_commit(
    views: Sql, world: World
) -> None:
    views("insert into t.a values (3, 0)")
    other = Sql(world.connect(autocommit=False))
    other("refresh materialized view t.u")
    assert views("select count(*) from t.u") == [[2]]
    other("commit")
    assert views("select count(*) from t.u") == [[3]]


def test_columns_have_the_types_of_a_create_table_as(views: Sql) -> None:
    assert views(
        "select column_name, data_type, numeric_precision, numeric_scale, character_maximum_length "
        "from information_schema.columns where table_schema = 't' and table_name = 'u' "
        "order by ordinal_position"
    ) == [
        ["i", "integer", 32, 0, None],
        ["d", "numeric", 19, 2, None],
        ["x", "character varying", None, None, 65535],
    ]


@pytest.mark.parametrize(
    ("change", "undo", "state", "event"),
    [
        ("alter table t.a drop column n", None, 101, "Column was dropped"),
        ("alter table t.k alter column v type varchar(9)", None, 102, "Column type was changed"),
        ("alter table t.a rename to b", "alter table t.b rename to a", 103, "Table was renamed"),
        ("alter table t.a rename column n to m", None, 104, "Column was renamed"),
    ],
)
def test_changes_below_it_end_its_refreshes(
    views: Sql, change: str, undo: str | None, state: int, event: str
) -> None:
    views("create table t.k (v varchar(5))")
    views("create materialized view t.m as select v, i from t.k, t.a")
    views(change)
    assert views("select state from svv_mv_info where name = 'm'") == [[state]]
    assert event.lower() in views.error("refresh materialized view t.m")
    assert views("select count(*) from t.m") == [[0]]
    told = views("select trim(event_desc), trim(state) from sys_mv_state where mv_name = 'm'")
    assert [event, "Unrefreshable"] in told
    if undo:
        views(undo)
        views("refresh materialized view t.m")


def test_its_parts_go_together(views: Sql) -> None:
    views("create view t.reader as select total from t.w")
    assert "other objects depend on it" in views.error("drop table t.a")
    assert "other objects depend on it" in views.error("drop materialized view t.u")
    assert "requires it" in views.error("drop view t.u")
    assert "requires it" in views.error("drop table t.mv_tbl__u__0")
    views("drop table t.a cascade")
    assert (
        views(
            "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where nspname = 't' and relname like 'mv\\\\_tbl\\\\_\\\\_%'"
        )
        == []
    )
    assert stale(views) == {}


def test_only_its_owner_may_refresh_alter_and_drop_it(views: Sql, world: World) -> None:
    for user in ("mv_reader", "mv_owner"):
        if not views(f"select 1 from pg_user where usename = '{user}'"):
            views(f"create user {user} password 'Secret123'")
        views(f"grant usage, create on schema t to {user}")
    views("grant select on t.u to mv_reader")
    views("grant select on t.a to mv_owner")
    reader, owner = Sql(world.connect("mv_reader")), Sql(world.connect("mv_owner"))
    assert reader("select count(*) from t.u") == [[2]]
    for statement in (
        "refresh materialized view t.u",
        "alter materialized view t.u auto refresh yes",
        "alter materialized view t.u alter distkey i",
        "drop materialized view t.u",
    ):
        assert "must be owner" in reader.error(statement)
    assert "permission denied" in reader.error("create materialized view t.x as select i from t.a")
    owner("create materialized view t.own as select i from t.a")
    views("insert into t.a values (3, 0)")
    owner("refresh materialized view t.own")
    views("revoke select on t.a from mv_owner")
    views("insert into t.a values (4, 0)")
    assert "permission denied" in owner.error("refresh materialized view t.own")


def test_the_catalogue_shows_a_view_on_a_table(views: Sql) -> None:
    statement = "create materialized view t.s distkey(i) sortkey(i) as (select i from t.a)"
    views(statement)
    views("insert into t.a values (3, 0)")
    assert views("select definition from pg_views where viewname = 's'") == [[f"{statement};"]]
    assert views("select pg_get_viewdef('t.s'::regclass::oid, true)") == [[f"{statement};"]]
    assert views(
        "select relname, relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where nspname = 't' and relname in ('s', 'mv_tbl__s__0') order by 1"
    ) == [["mv_tbl__s__0", "r"], ["s", "v"]]
    assert views(
        "select a.attisdistkey, a.attsortkeyord from pg_class c join pg_attribute a on "
        "a.attrelid = c.oid where c.relname like 'mv_tbl__s__%' and a.attnum > 0"
    ) == [[True, 1]]
    assert views(
        "select diststyle, sortkey1 from svv_table_info where \"schema\" = 't' and \"table\" = 's'"
    ) == [["KEY(i)", "i"]]
    shown = {row[2]: (row[3], row[10]) for row in views("show tables from schema dev.t")}
    assert shown["s"] == ("VIEW", "MATERIALIZED VIEW")
    assert "mv_tbl__s__0" not in shown


def test_its_name_may_have_127_bytes(views: Sql) -> None:
    name = "a_materialized_view_" + "x" * 107
    views(f"create materialized view t.{name} as select i from t.a")
    views("insert into t.a values (3, 0)")
    notices(views)
    views(f"refresh materialized view t.{name}")
    assert notices(views) == [f"Materialized view {name} was incrementally updated successfully."]
    assert [name, 1] in views("select trim(name), state from svv_mv_info")
    views(f"drop materialized view t.{name}")

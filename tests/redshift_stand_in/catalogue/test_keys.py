"""Keys in the catalogue, as drivers, SQLAlchemy and psql read it."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from redshift_stand_in import catalogue

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World

#: Name, kind, columns, table referred to, columns referred to.
KEYS = (
    "select conname, contype, array_to_string(conkey, ','), confrelid::regclass::varchar, "
    "array_to_string(confkey, ',') from pg_constraint where conrelid = 't.{}'::regclass order by 1"
)
DEFINITIONS = "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 't.{}'::regclass order by 1"


@pytest.fixture
def family(sql: Sql) -> Sql:
    """Tables with keys, as the driver's own tests have them."""
    sql("create table t.parent1 (parent_id int primary key, parent_name varchar(50))")
    sql(
        "create table t.parent2 (p_id1 int, p_id2 varchar(20), parent_desc text, primary key (p_id2, p_id1))"
    )
    sql(
        "create table t.child (child_id int primary key, parent1_id int, p_id1 int, p_id2 varchar(20), code int unique, "
        "foreign key (parent1_id) references t.parent1, foreign key (p_id1, p_id2) references t.parent2 (p_id1, p_id2))"
    )
    return sql


def test_pg_constraint_has_the_keys(family: Sql) -> None:
    assert family(KEYS.format("parent2")) == [["parent2_pkey", "p", "2,1", "-", None]]
    assert family(KEYS.format("child")) == [
        ["child_code_key", "u", "5", "-", None],
        ["child_p_id1_fkey", "f", "3,4", "t.parent2", "1,2"],
        ["child_parent1_id_fkey", "f", "2", "t.parent1", "1"],
        ["child_pkey", "p", "1", "-", None],
    ]
    assert family(DEFINITIONS.format("child")) == [
        ["child_code_key", "UNIQUE (code)"],
        ["child_p_id1_fkey", "FOREIGN KEY (p_id1, p_id2) REFERENCES t.parent2(p_id1, p_id2)"],
        ["child_parent1_id_fkey", "FOREIGN KEY (parent1_id) REFERENCES t.parent1(parent_id)"],
        ["child_pkey", "PRIMARY KEY (child_id)"],
    ]


def test_the_information_schema_has_them(family: Sql) -> None:
    of_child = "where {}_schema = 't' and {}_name like '{}%' order by 1"
    assert family(
        "select constraint_name, constraint_type from information_schema.table_constraints "
        + of_child.format("constraint", "table", "child")
    ) == [
        ["child_code_key", "UNIQUE"],
        ["child_p_id1_fkey", "FOREIGN KEY"],
        ["child_parent1_id_fkey", "FOREIGN KEY"],
        ["child_pkey", "PRIMARY KEY"],
    ]
    assert family(
        "select column_name, ordinal_position, constraint_name from information_schema.key_column_usage where table_schema = 't' "
        "and table_name = 'parent2' order by ordinal_position"
    ) == [["p_id2", 1, "parent2_pkey"], ["p_id1", 2, "parent2_pkey"]]
    assert family(
        "select constraint_name, unique_constraint_name, update_rule, delete_rule from information_schema.referential_constraints "
        + of_child.format("constraint", "constraint", "child")
    ) == [
        ["child_p_id1_fkey", "parent2_pkey", "NO ACTION", "NO ACTION"],
        ["child_parent1_id_fkey", "parent1_pkey", "NO ACTION", "NO ACTION"],
    ]
    assert family(
        "select table_name, column_name from information_schema.constraint_column_usage where constraint_schema = 't' "
        "and constraint_name = 'child_p_id1_fkey' order by 2"
    ) == [["parent2", "p_id1"], ["parent2", "p_id2"]]
    assert family("select * from information_schema.check_constraints") == []


def test_the_driver_finds_them(world: World, family: Sql) -> None:
    cursor = family.cursor
    assert [row[2:] for row in map(list, cursor.get_primary_keys(schema="t"))] == [
        ["child", "child_id", 1, "child_pkey"],
        ["parent1", "parent_id", 1, "parent1_pkey"],
        ["parent2", "p_id2", 1, "parent2_pkey"],
        ["parent2", "p_id1", 2, "parent2_pkey"],
    ]
    assert list(map(list, cursor.get_primary_keys(schema="t", table="parent1"))) == [
        ["dev", "t", "parent1", "parent_id", 1, "parent1_pkey"]
    ]


def test_show_constraints_as_the_driver_reads_it(family: Sql) -> None:
    # The driver asks so if the server says that it may.
    family.connection.parameter_statuses.append((b"show_discovery", b"4"))
    cursor: Any = family.connection.cursor()
    assert [row[2:6] for row in map(list, cursor.get_primary_keys("dev", "t", "parent2"))] == [
        ["parent2", "p_id2", 1, "parent2_pkey"],
        ["parent2", "p_id1", 2, "parent2_pkey"],
    ]
    imported = [
        [
            "parent1",
            "parent_id",
            "dev",
            "t",
            "child",
            "parent1_id",
            1,
            "child_parent1_id_fkey",
            "parent1_pkey",
        ],
        ["parent2", "p_id1", "dev", "t", "child", "p_id1", 1, "child_p_id1_fkey", "parent2_pkey"],
        ["parent2", "p_id2", "dev", "t", "child", "p_id2", 2, "child_p_id1_fkey", "parent2_pkey"],
    ]
    found = list(map(list, cursor.get_imported_keys("dev", "t", "child")))
    assert [row[2:9] + row[11:13] for row in found] == imported
    assert {tuple(row[9:11] + row[13:]) for row in found} == {(3, 3, 7)}
    found = list(map(list, cursor.get_exported_keys("dev", "t", "parent2")))
    assert [row[2:9] + row[11:13] for row in found] == imported[1:]
    assert list(cursor.get_exported_keys("elsewhere", "t", "parent2")) == []


def test_show_constraints(family: Sql) -> None:
    assert family("show constraints primary keys from table dev.t.parent2 limit 1") == [
        ["dev", "t", "parent2", "parent2_pkey", "p_id2", 1]
    ]
    assert len(family("show constraints foreign keys from table t.child")) == 3
    assert len(family("show constraints foreign keys exported from table t.parent1")) == 1
    assert family("show constraints primary keys from table t.nowhere") == []
    for wrong in (
        "keys from table t.child",
        "primary keys from t.child",
        "primary keys from table child",
    ):
        assert "syntax error" in family.error(f"show constraints {wrong}")


def test_sqlalchemy_finds_them(family: Sql) -> None:
    rows = family(
        'SELECT n.nspname as "schema", c.relname as "table_name", t.contype, t.conname, t.conkey, a.attnum, a.attname, '
        'pg_catalog.pg_get_constraintdef(t.oid, true)::varchar(512) as condef, n.oid as "schema_oid", c.oid as "rel_oid" '
        "FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_catalog.pg_constraint t ON t.conrelid = c.oid "
        "JOIN pg_catalog.pg_attribute a ON t.conrelid = a.attrelid AND a.attnum = ANY(t.conkey) "
        "WHERE n.nspname !~ '^pg_' AND n.nspname = 't' AND c.relname = 'parent2'"
    )
    assert sorted(row[6] for row in rows) == ["p_id1", "p_id2"]
    assert {row[7] for row in rows} == {"PRIMARY KEY (p_id2, p_id1)"}


def test_psql_finds_them(family: Sql) -> None:
    """As psql 14 describes a table of a server of version 8.0."""
    ((oid, has_index, checks),) = family(
        "select oid, relhasindex, relchecks from pg_class where oid = 't.child'::regclass"
    )
    assert (has_index, checks) == (True, 0)
    assert family(
        "SELECT c2.relname, i.indisprimary, i.indisunique, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true) "
        "FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i "
        f"WHERE c.oid = '{oid}' AND c.oid = i.indrelid AND i.indexrelid = c2.oid "
        "ORDER BY i.indisprimary DESC, i.indisunique DESC, c2.relname"
    ) == [
        [
            "child_pkey",
            True,
            True,
            "CREATE UNIQUE INDEX child_pkey ON t.child USING btree (child_id)",
        ],
        [
            "child_code_key",
            False,
            True,
            "CREATE UNIQUE INDEX child_code_key ON t.child USING btree (code)",
        ],
    ]
    assert family(
        "SELECT conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef FROM pg_catalog.pg_constraint r "
        f"WHERE r.conrelid = '{oid}' AND r.contype = 'f' ORDER BY 1"
    )[1] == ["child_parent1_id_fkey", "FOREIGN KEY (parent1_id) REFERENCES t.parent1(parent_id)"]
    assert family(
        "select indexname, indexdef from pg_indexes where schemaname = 't' and tablename = 'parent2'"
    ) == [
        ["parent2_pkey", "CREATE UNIQUE INDEX parent2_pkey ON t.parent2 USING btree (p_id2, p_id1)"]
    ]
    assert family(
        "select pg_get_indexdef(indexrelid, 2, true) from pg_index where indrelid = 't.parent2'::regclass"
    ) == [["p_id1"]]


def test_keys_follow_their_tables_and_columns(family: Sql) -> None:
    family("alter table t.parent2 rename column p_id2 to second")
    family("alter table t.parent2 rename to older")
    assert family(DEFINITIONS.format("older")) == [["parent2_pkey", "PRIMARY KEY (second, p_id1)"]]
    assert family(DEFINITIONS.format("child"))[1] == [
        "child_p_id1_fkey",
        "FOREIGN KEY (p_id1, p_id2) REFERENCES t.older(p_id1, second)",
    ]
    family("alter table t.child drop column code")
    family("alter table t.child drop column parent1_id")
    assert [name for name, *_ in family(KEYS.format("child"))] == ["child_p_id1_fkey", "child_pkey"]
    assert "depend" in family.error("drop table t.older")
    assert "depend" in family.error("alter table t.older drop column second")
    assert "depend" in family.error("alter table t.older drop constraint parent2_pkey")
    family("alter table t.child drop constraint child_pkey")
    family("drop table t.older cascade")
    assert family(KEYS.format("child")) == []
    assert "NULL value" in family.error("insert into t.child (p_id1) values (1)"), (
        "it stays NOT NULL"
    )


def test_a_name_that_is_taken_gets_a_number(sql: Sql) -> None:
    sql("create table t.a (id int primary key)")
    sql("alter table t.a rename to b")
    sql("create table t.a (id int primary key, x int unique, unique (x, id))")
    assert [name for name, *_ in sql(KEYS.format("a"))] == ["a_pkey1", "a_x_key", "a_x_key1"]
    assert [name for name, *_ in sql(KEYS.format("b"))] == ["a_pkey"]


def test_a_key_can_be_undone_with_its_transaction(world: World, sql: Sql) -> None:
    sql("create table t.a (id int not null)")
    session = type(sql)(world.connect(autocommit=False))
    session("alter table t.a add primary key (id)")
    assert len(session(KEYS.format("a"))) == 1
    session.connection.rollback()
    session("alter table t.a add constraint k primary key (id)")
    session.connection.commit()
    assert [name for name, *_ in sql(KEYS.format("a"))] == ["k"]


def test_like_takes_no_keys_and_may_get_its_own(sql: Sql) -> None:
    sql("create table t.a (id int unique, x int)")
    sql("create table t.b (like t.a, primary key (id))")
    assert [key[:2] for key in sql(KEYS.format("b"))] == [["b_pkey", "p"]]
    assert "NULL value" in sql.error("insert into t.b (x) values (1)")


def test_a_foreign_key_needs_the_right_to_refer(world: World, sql: Sql) -> None:
    if not sql("select 1 from pg_user where usename = 'referrer'"):
        sql("create user referrer password 'Secret123'")
    sql("create table t.a (id int primary key)")
    sql("grant usage, create on schema t to referrer")
    session = type(sql)(world.connect("referrer"))
    statement = "create table t.b (id int references t.a)"
    assert "permission denied for relation t.a" in session.error(statement)
    sql("grant references on t.a to referrer")
    session(statement)
    assert "must be owner" in session.error("alter table t.a add unique (id)")


def test_keys_of_an_older_catalogue_are_kept(world: World, sql: Sql) -> None:
    sql("create table t.a (id int, other int)")
    sql("create table t.b (id int, a_id int)")
    superuser = world.superuser().cursor()
    superuser.execute(
        'create table redshift_meta.constraints (tbl oid, kind "char", columns text[], reference text)'
    )
    superuser.execute(
        "insert into redshift_meta.constraints values ('t.b'::regclass, 'f', '{a_id}', 'a (\"id\")'), "
        "('t.b'::regclass, 'f', '{id}', 't.a (other)'), ('t.a'::regclass, 'p', '{id}', '')"
    )
    superuser.execute("update redshift_meta.version set version = 'an older one'")
    catalogue.install(world.folder / "pg", 5432, "dev")
    assert sql(KEYS.format("a")) == [["a_pkey", "p", "1", "-", None]]
    assert sql(KEYS.format("b")) == [["b_a_id_fkey", "f", "2", "t.a", "1"]]
    superuser.execute("select to_regclass('redshift_meta.constraints')")
    assert superuser.fetchall() == [(None,)]

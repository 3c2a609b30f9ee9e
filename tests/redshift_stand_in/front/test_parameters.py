"""Statements with parameters, as drivers prepare and bind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redshift_connector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redshift_stand_in.wire.version import Version

from tests.redshift_stand_in.conftest import Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World


def test_values_without_a_place_are_ignored(sql: Sql) -> None:
    """As the driver sends them, and its tests expect."""
    assert sql("select %s", "a", "b", 3) == [["a"]]


@given(st.binary(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_bytes_are_stored_as_their_digits(world: World, sql: Sql, value: bytes) -> None:
    """The driver sends them so, and finds the digits again by every version (its own tests)."""
    sql("drop table if exists t.v")
    sql("create table t.v (i int, v varbyte)")
    sql("insert into t.v (i, v) values (%s, %s)", 1, value)
    for version in Version:
        assert Sql(world.connect(version=version))("select v from t.v") == [[value.hex()]]


@pytest.mark.parametrize("version", list(Version))
def test_a_statement_without_a_name_outlives_what_the_front_asks(
    world: World, sql: Sql, version: Version
) -> None:
    """The driver keeps no prepared statements then: it parses, syncs, and binds."""
    sql("create table t.v (n numeric(5, 2))")
    connection = redshift_connector.connect(
        host="127.0.0.1",
        port=world.tcp_port,
        database="dev",
        user="admin",
        password="Secret123",
        ssl=False,
        max_prepared_statements=0,
        client_protocol_version=version,
    )
    connection.autocommit = True
    world.open_connections.append(connection)
    ask = Sql(connection)
    for number in (1, 2):
        ask("insert into t.v values (%s)", number)
    assert ask("select n * 1 from t.v where n > %s", 1) == ask("select 2.00")
    assert ask("select c.relname from pg_class c where c.relname = %s", "v") == [["v"]]
    assert "relation" in ask.error("select * from t.none")
    assert ask("select 1") == [[1]]

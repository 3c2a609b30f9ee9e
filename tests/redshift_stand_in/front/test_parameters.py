"""Statements with parameters, as drivers prepare and bind them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
import redshift_connector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redshift_stand_in.wire.protocol import data_row
from redshift_stand_in.wire.values import in_bind
from redshift_stand_in.wire.version import Version

from tests.redshift_stand_in.conftest import Sql

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World


@given(st.binary(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_bytes_are_stored_as_they_are(sql: Sql, value: bytes) -> None:
    """The driver sends their digits, and Redshift reads them as such (its test_datatypes.py)."""
    sql("drop table if exists t.v")
    sql("create table t.v (i int, v varbyte)")
    sql("insert into t.v (i, v) values (%s, %s)", 1, value)
    assert sql("select v from t.v") == [[value.hex()]]


def test_a_literal_becomes_the_bytes_of_its_text(sql: Sql) -> None:
    sql("create table t.v (v varbyte)")
    sql("insert into t.v values ('ab')")
    assert sql("select v from t.v") == [["6162"]]


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


@given(st.lists(st.none() | st.binary(max_size=80), max_size=4), st.data())
def test_only_parameters_in_text_are_changed(
    values: list[bytes | None], data: st.DataObject
) -> None:
    """No code of a format means text for all, one is that of all."""
    size = data.draw(st.sampled_from(sorted({0, 1, len(values)})))
    codes = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    head = b"portal\0name\0" + struct.pack(f"!h{size}h", size, *codes)
    tail = b"\0\1\0\1"
    changed = in_bind(
        head + data_row(values)[5:] + tail, lambda position, value: value + b"%d" % position
    )
    binary = codes if size == len(values) else (codes or [False]) * len(values)
    wanted = [
        value if value is None or in_binary else value + b"%d" % position
        for position, (value, in_binary) in enumerate(zip(values, binary, strict=True))
    ]
    assert changed == head + data_row(wanted)[5:] + tail

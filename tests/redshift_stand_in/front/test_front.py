"""The front itself: drivers, TLS, users, sockets, and its end."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
import redshift_connector
from redshift_stand_in import catalogue
from redshift_stand_in.front.server import Address
from redshift_stand_in.postgres.cluster import SUPERUSER
from redshift_stand_in.wire.protocol import message

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Copy, Sql, World


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")  # the driver's own
def test_the_driver_speaks_tls_and_verifies_the_certificate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(world.certificate))
    connection = redshift_connector.connect(
        host="localhost",
        port=world.tcp_port,
        database="dev",
        user="admin",
        password="Secret123",
        sslmode="verify-full",
    )
    cursor = connection.cursor()
    cursor.execute("select 'é' as a")
    assert list(cursor.fetchall()[0]) == ["é"]
    connection.close()


def test_a_socket_and_psql(world: World) -> None:
    done = subprocess.run(
        [
            "psql",
            f"host=127.0.0.1 port={world.tcp_port} user=admin dbname=dev sslmode=require",
            "-At",
            "-c",
            "select 1; select 'a;b'",
            "-c",
            "\\echo done",
        ],
        env={"PGPASSWORD": "Secret123", "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["1", "a;b", "done"], done.stderr
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(world.socket_path)


def test_what_is_asked_in_one_piece_is_answered_in_one_piece(world: World) -> None:
    connection = redshift_connector.connect(
        host="localhost", unix_sock=world.socket_path, database="dev", user="admin",
        password="Secret123", ssl=False,
    )  # fmt: skip
    # As the driver asks: a Flush behind every message, then a Sync.
    parse = message(b"P", b"s\0select 1\0\0\0") + message(b"H", b"")
    describe = message(b"D", b"Ss\0") + message(b"H", b"")
    sock = connection._usock
    sock.sendall(parse + describe + message(b"S", b""))
    assert sock.recv(65536).endswith(message(b"Z", b"I"))
    sock.sendall(parse.replace(b"s\0", b"t\0"))
    assert sock.recv(65536) == message(b"1", b""), "a Flush alone is answered at once"
    connection.close()


def test_parameters_of_statements(sql: Sql) -> None:
    sql("create table t.p(a int, b varchar(9))")
    sql("insert into t.p values (%s, %s)", 5, "it's\\é")
    assert sql("select b from t.p where a = %s", 5) == [["it's\\é"]]


def test_a_wrong_password_and_the_superuser_are_refused(world: World) -> None:
    for user, password in (("admin", "wrong"), (SUPERUSER, ""), ("nobody", "x")):
        with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
            psycopg2.connect(
                host="127.0.0.1",
                port=world.tcp_port,
                user=user,
                password=password or "x",
                dbname="dev",
                sslmode="disable",
            )


def test_rights_mean_something(world: World, sql: Sql) -> None:
    for name in ("analyst", "loader"):
        if not sql(f"select 1 from pg_user where usename = '{name}'"):
            sql(f"create user {name} password 'Secret123'")
    if not sql("select 1 from svv_roles where role_name = 'readers'"):
        sql("create role readers")
        sql("create group people")
    sql("grant role readers to analyst")
    sql("alter group people add user analyst")
    sql("create table t.secret(a int)")
    sql("create table t.open(a int)")
    sql("grant usage on schema t to role readers")
    sql("grant select on t.open to group people")
    session = type(sql)(world.connect("analyst"))
    assert session("select * from t.open") == []
    assert "permission denied" in session.error("select * from t.secret")
    assert "permission denied" in session.error("insert into t.open values (1)")
    assert sql(
        "select has_table_privilege('analyst', 't.secret', 'select'), has_table_privilege('analyst', 't.open', 'select')"
    ) == [[False, True]]
    sql("grant insert on t.open to analyst")
    session("insert into t.open values (1)")
    sql("revoke usage on schema t from role readers")
    assert "permission denied" in session.error("select * from t.open")


def test_load_errors_are_seen_by_their_owner_only(world: World, sql: Sql, copy: Copy) -> None:
    if not sql("select 1 from pg_user where usename = 'analyst'"):
        sql("create user analyst password 'Secret123'")
    sql("create table t.e(a int)")
    sql.error(copy("t.e", "x\n"))
    assert sql("select count(*) > 0 from stl_load_errors") == [[True]]
    assert type(sql)(world.connect("analyst"))("select count(*) from stl_load_errors") == [[0]]


def test_the_catalogue_is_installed_again_without_harm(world: World, sql: Sql) -> None:
    sql("create table t.kept(a int) diststyle all")
    superuser = world.superuser().cursor()
    superuser.execute("update redshift_meta.version set version = 'an older one'")
    for _ in range(2):
        catalogue.install(world.folder / "pg", 5432, "dev")
    superuser.execute("select version from redshift_meta.version")
    assert superuser.fetchall() == [(catalogue.version(),)]
    sql("insert into t.kept values (1)")
    assert sql("select diststyle from svv_table_info where \"table\" = 'kept'") == [["ALL"]]


def test_sigterm_ends_the_front_with_its_clients(world: World) -> None:
    path = world.folder / "front" / "second.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    process = world.launch([f"unix:{path}"])
    try:
        connection = redshift_connector.core.Connection(
            user="admin",
            password="Secret123",
            database="dev",
            unix_sock=str(path),
            ssl=False,
            tcp_keepalive=False,
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not path.exists()
        with pytest.raises((redshift_connector.Error, OSError)):
            connection.cursor().execute("select 1")
        connection.close()
    finally:
        process.kill()
        process.wait()


def test_addresses() -> None:
    assert Address.parse("unix:/a/b").path == Path("/a/b")
    assert Address.parse("tcp:127.0.0.1:5439").port == 5439
    for text in ("", "unix:", "tcp:5439", "tcp:x:y", "http:a:1"):
        with pytest.raises(ValueError, match="neither"):
            Address.parse(text)

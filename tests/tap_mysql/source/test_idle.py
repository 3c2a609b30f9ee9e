"""Connections that have answered are used for the next question, if it can be one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from tap_mysql.source.session.connection import Login
from tap_mysql.source.session.connection import Source as Server
from tap_mysql.source.session.idle import _MOST, _SECONDS, Idle
from tidemark_core.errors import SourceError
from tidemark_core.ssh.tunnel import open_endpoint

from tests.tap_mysql.conftest import DATABASE, Source


class Clock:
    """Seconds as a test sets them."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(source: Source, clock: Clock) -> Iterator[Server]:
    env = source.sandbox.env()
    host, port = source.address
    login = Login(env["DB_USER"], env["DB_PASSWORD"], DATABASE)
    with (
        open_endpoint(None, host, port) as endpoint,
        closing(Server(login, endpoint, timeout=60, idle=Idle(clock))) as made,
    ):
        yield made


def connection(server: Server) -> int:
    """The connection on which a question is asked, as the server numbers it."""
    with server.session() as session:
        return int(session.rows("SELECT CONNECTION_ID()")[0][0])


def test_one_connection_answers_question_after_question(server: Server) -> None:
    assert len({connection(server) for _ in range(5)}) == 1


def test_questions_at_the_same_time_have_connections_of_their_own(server: Server) -> None:
    with server.session() as one, server.session() as other:
        ids = [session.rows("SELECT CONNECTION_ID()") for session in (one, other)]
    assert ids[0] != ids[1]


def test_every_session_has_the_settings_of_the_first(server: Server) -> None:
    asked = "SELECT @@time_zone, @@sql_mode, @@lock_wait_timeout, @@max_sort_length"
    with server.session() as session:
        first = session.rows(asked)
    with server.session() as session:
        assert session.rows(asked) == first == [("+00:00", "", 60, 1048576)]
        with pytest.raises(SourceError, match="READ ONLY"):
            session.rows("CREATE TABLE never (id INT)")


@pytest.mark.fault(222)
def test_after_an_error_it_is_another_connection(server: Server) -> None:
    before = connection(server)
    with pytest.raises(SourceError), server.session() as session:
        session.rows("SELECT nonsense")
    assert connection(server) != before


@pytest.mark.fault(222)
def test_what_the_server_has_ended_is_not_used(server: Server, source: Source) -> None:
    before = connection(server)
    source.sandbox.mysql(f"KILL {before}", database=None)
    assert connection(server) != before


@pytest.mark.fault(222)
def test_what_was_idle_for_long_is_not_used(server: Server, clock: Clock) -> None:
    before = connection(server)
    clock.now += _SECONDS
    assert connection(server) == before
    clock.now += _SECONDS + 1
    assert connection(server) != before


def test_few_are_kept(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(_MOST + 2):
            stack.enter_context(server.session())
    kept = []
    while (found := server.idle.take()) is not None:
        kept.append(found)
    for found in kept:
        found.close()
    assert len(kept) == _MOST


@pytest.mark.fault(35)
def test_an_idle_connection_gives_way_to_one_that_the_server_refuses(
    server: Server, source: Source
) -> None:
    with _connections(source, 1):
        connection(server)
        server.connect().close()


@contextmanager
def _connections(source: Source, most: int) -> Iterator[None]:
    user = source.sandbox.env()["DB_USER"]
    limit = f"ALTER USER '{user}'@'localhost' WITH MAX_USER_CONNECTIONS"
    source.sql(f"{limit} {most}")
    try:
        yield
    finally:
        source.sql(f"{limit} 0")

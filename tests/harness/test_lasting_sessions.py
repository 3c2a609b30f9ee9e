"""Sessions that tests keep are like new ones, and are replaced when they have ended."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from lasting_sessions import LastingSessions
from redshift_connector.error import ProgrammingError
from tidemark_sandbox.settings.accounts import WAREHOUSE_ADMIN

_WHO = "SELECT pg_backend_pid()"


def test_a_user_has_one_session_in_each_thread(sandbox: LastingSessions) -> None:
    mine = sandbox.warehouse(_WHO)
    assert sandbox.warehouse(_WHO) == mine
    assert sandbox.warehouse(_WHO, user="tidemark_loader") != mine
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(sandbox.warehouse, _WHO).result() != mine


def test_a_repeated_statement_is_of_the_table_as_it_is_now(sandbox: LastingSessions) -> None:
    sandbox.warehouse("CREATE TABLE public.changing (a INT)")
    sandbox.warehouse("INSERT INTO public.changing VALUES (1)")
    assert sandbox.warehouse("SELECT * FROM public.changing") == [(1,)]
    sandbox.warehouse("ALTER TABLE public.changing ADD COLUMN b INT")
    assert sandbox.warehouse("SELECT * FROM public.changing") == [(1, None)]
    sandbox.warehouse("DROP TABLE public.changing")
    with pytest.raises(ProgrammingError):
        sandbox.warehouse("SELECT * FROM public.changing")
    assert sandbox.warehouse("SELECT 1") == [(1,)]


def test_a_session_that_was_ended_is_replaced(sandbox: LastingSessions) -> None:
    before = sandbox.warehouse(_WHO)
    session = sandbox._sessions[WAREHOUSE_ADMIN, threading.get_ident()]
    session._usock.shutdown(socket.SHUT_RD)  # as when the server has closed it
    assert sandbox.warehouse(_WHO) != before

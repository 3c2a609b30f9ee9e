"""What `doctor` and `add` say of a server whose log has nothing of a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from servers import UNLOGGED, Server, more_servers
from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.health import doctor
from tidemark.services.health.checks import Level
from tidemark.services.tables.source import why_no_log
from tidemark.source.mysql import open_mysql
from tidemark_core.names import TableName
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

_LOGGED = "logged"


@pytest.fixture(scope="module")
def server(sandbox: Sandbox) -> Iterator[Server]:
    """A server that leaves one of two databases out of its log."""
    with more_servers(sandbox, 1, _LOGGED) as (server,):
        server.sql(f"CREATE DATABASE {UNLOGGED}")
        reader = sandbox.env()["DB_USER"]
        server.sql(f"GRANT SELECT, SHOW VIEW ON {UNLOGGED}.* TO {reader}@localhost")
        for database in (_LOGGED, UNLOGGED):
            server.part.query("CREATE TABLE kept (id INT PRIMARY KEY)", database=database)
        yield server


@pytest.fixture
def project(lake: Lake, server: Server, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that copies from it, by its log."""
    monkeypatch.setenv("DB_HOST", server.socket)
    monkeypatch.setenv("DB_DATABASE", _LOGGED)
    return Project.load()


def rules(*databases: str) -> Rules:
    """Those of a project that copies a table of each database."""
    streams = [f"{database}-kept" for database in databases]
    method = {"replication-method": "LOG_BASED"}
    return Rules(tuple(f"{stream}.*" for stream in streams), dict.fromkeys(streams, method))


@pytest.mark.fault(214)
@pytest.mark.parametrize(("databases", "wrong"), [((_LOGGED,), False), ((UNLOGGED, _LOGGED), True)])
def test_doctor_finds_a_database_that_is_left_out_of_the_log(
    project: Project, monkeypatch: pytest.MonkeyPatch, databases: tuple[str, ...], wrong: bool
) -> None:
    monkeypatch.setattr(Rules, "read", lambda _: rules(*databases))
    errors = [f for f in doctor.check_log(project) if f.level is Level.ERROR]
    assert [f.message for f in errors] == [
        f"binlog_ignore_db is {UNLOGGED}, should be without {UNLOGGED}"
    ] * wrong
    assert all("restart the server" in str(f.hint) for f in errors)


@pytest.mark.fault(214)
def test_a_table_of_it_is_not_added_by_the_log(project: Project) -> None:
    with open_mysql(project.mysql) as mysql:
        assert why_no_log(mysql, TableName(_LOGGED, "kept")) is None
        refused = why_no_log(mysql, TableName(UNLOGGED, "kept"))
    assert refused is not None
    assert f"binlog_ignore_db is {UNLOGGED}, but must be without {UNLOGGED}" in refused.text
    assert "restart the server" in str(refused.hint)

"""A warehouse with empty landing tables, and dbt pointed at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from dbt_project.project import Dbt, Landing, Query
from tidemark_sandbox.access.tunnel import open_tunnel

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox


@pytest.fixture(scope="session")
def dbt_env(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """The variables with which plain dbt reaches the warehouse, through the bastion."""
    env = sandbox.env()
    with open_tunnel(sandbox.config, sandbox.config.warehouse_socket) as tunnel:
        yield env | {
            "REDSHIFT_HOST": "127.0.0.1",
            "REDSHIFT_PORT": str(tunnel.port),
            "SSL_CERT_FILE": env["REDSHIFT_SSL_ROOT_CERT"],
        }


@pytest.fixture(scope="session")
def query(sandbox: Sandbox) -> Query:
    """Asks the warehouse; as its administrator, if no user is named."""
    return sandbox.warehouse


@pytest.fixture(scope="session")
def dbt(dbt_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    runner = Dbt(dbt_env, tmp_path_factory.mktemp("dbt"))
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def built(dbt: Dbt, query: Query) -> Landing:
    """Landing tables, and every model built once on nothing."""
    landing = Landing(query)
    landing.create()
    landing.clear()
    dbt.build("--exclude-resource-type", "unit_test", "test")
    return landing


@pytest.fixture
def landing(built: Landing) -> Landing:
    """Landing and the public tables, empty."""
    built.create()  # another file may have dropped some
    built.clear()
    return built

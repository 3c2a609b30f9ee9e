"""A warehouse with empty landing tables, and dbt pointed at it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from tidemark_sandbox.tunnel import open_tunnel

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox


def _load_helper(helper: str) -> ModuleType:
    """Makes a file beside this one importable as `transform_<name>`: the folder is no package."""
    name = f"transform_{helper}"
    if name not in sys.modules:
        file = Path(__file__).with_name(f"{helper}.py")
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


helpers = _load_helper("project")
_load_helper("browser")


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
def query(sandbox: Sandbox) -> helpers.Query:  # type: ignore[name-defined]
    return sandbox.warehouse


@pytest.fixture(scope="session")
def dbt(dbt_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[helpers.Dbt]:  # type: ignore[name-defined]
    runner = helpers.Dbt(dbt_env, tmp_path_factory.mktemp("dbt"))
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def built(dbt, query) -> helpers.Landing:  # type: ignore[no-untyped-def, name-defined]
    """Landing tables, and every model built once on nothing."""
    landing = helpers.Landing(query)
    landing.create()
    landing.clear()
    dbt.build("--exclude-resource-type", "unit_test", "test")
    return landing


@pytest.fixture
def landing(built) -> helpers.Landing:  # type: ignore[no-untyped-def, name-defined]
    """Landing and the public tables, empty."""
    built.clear()
    return built

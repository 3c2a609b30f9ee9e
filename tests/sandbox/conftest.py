"""A sandbox of these tests' own: they kill its parts and replace its data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tidemark_sandbox.world import Sandbox


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running sandbox; when we are root, in a folder that PostgreSQL's account cannot enter."""
    folder = tmp_path_factory.mktemp("world") / "sandbox"
    world = Sandbox(folder, Sandbox.free_port_block())
    try:
        world.up()
        yield world
    finally:
        world.reset()


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SANDBOX_DIR", "SANDBOX_PORT", "SANDBOX_SERVER", "SANDBOX_WAREHOUSE_SQL"):
        monkeypatch.delenv(name, raising=False)

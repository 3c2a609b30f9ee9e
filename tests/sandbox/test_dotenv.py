"""The .env that `up` writes: for a checkout's own sandbox, and never over somebody's own."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from tidemark_sandbox.dotenv import point_here
from tidemark_sandbox.world import Sandbox


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "meltano.yml").touch()
    (tmp_path / "transform").mkdir()
    return tmp_path


def test_a_fresh_checkout_is_pointed_at_its_sandbox(checkout: Path) -> None:
    sandbox = Sandbox(checkout / ".sandbox", 18200)
    assert point_here(checkout / "transform", sandbox, {}) == checkout / ".env"
    assert dotenv_values(checkout / ".env", interpolate=False) == sandbox.env()
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_the_ports_may_change_later(checkout: Path) -> None:
    point_here(checkout, Sandbox(checkout / ".sandbox", 18200), {})
    moved = Sandbox(checkout / ".sandbox", 42300)
    assert point_here(checkout, moved, {})
    assert dotenv_values(checkout / ".env")["S3_ENDPOINT_URL"] == moved.env()["S3_ENDPOINT_URL"]


def test_somebodys_own_file_stays_as_it_is(checkout: Path) -> None:
    (checkout / ".env").write_text("DB_HOST=production\n")
    assert point_here(checkout, Sandbox(checkout / ".sandbox", 18200), {}) is None
    assert (checkout / ".env").read_text() == "DB_HOST=production\n"


def test_a_sandbox_elsewhere_leaves_the_checkout_alone(checkout: Path, tmp_path: Path) -> None:
    elsewhere = Sandbox(tmp_path / "elsewhere", 18200)
    assert point_here(checkout, elsewhere, {}) is None
    assert point_here(Path("/"), elsewhere, {}) is None
    assert not (checkout / ".env").exists()

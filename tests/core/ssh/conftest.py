"""The sandbox's bastion, and what is behind it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tap_mysql.source.settings import MySQLSettings
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox


@pytest.fixture
def bastion(sandbox: Sandbox, tmp_path: Path) -> Bastion:
    """The sandbox's bastion, with copies of its files that a test may spoil."""
    found = read(MySQLSettings, {}, sandbox.env()).bastion
    assert found is not None
    assert found.key_path is not None
    assert found.known_hosts is not None
    key, hosts = tmp_path / "key", tmp_path / "known hosts"
    shutil.copy(found.key_path, key)
    key.chmod(0o600)
    shutil.copy(found.known_hosts, hosts)
    return replace(found, key_path=str(key), known_hosts=str(hosts))


@pytest.fixture
def mysql(sandbox: Sandbox) -> str:
    """MySQL's socket, as the bastion sees it."""
    return sandbox.env()["DB_HOST"]

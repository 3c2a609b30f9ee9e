"""How MySQL of Debian unstable is installed, without installing it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tidemark_sandbox.debian import packages, unstable
from tidemark_sandbox.errors import MissingPackagesError, SandboxError


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SANDBOX_MYSQL_SYSTEM", str(tmp_path / "system"))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return tmp_path / "system"


def installer(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_it_is_in_the_users_cache_or_where_the_variable_says() -> None:
    assert unstable.folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/tidemark-sandbox/mysql-system")
    assert unstable.folder({"SANDBOX_MYSQL_SYSTEM": "/elsewhere"}) == Path("/elsewhere")


def test_without_debootstrap_the_package_is_named(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages.find.cache_clear()
    find = packages.find
    monkeypatch.setattr(packages, "find", lambda p: None if p == "debootstrap" else find(p))
    with pytest.raises(MissingPackagesError, match=r"apt-get install .*debootstrap"):
        unstable.ensure()
    assert not system.exists()


def test_it_is_installed_once_and_a_torn_one_never_used(
    system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = system.with_suffix(".new")
    (torn / "half").mkdir(parents=True)
    calls = tmp_path / "calls"
    program = installer(tmp_path / "debootstrap", f'echo "$@" >>{calls}; mkdir "$4"')
    monkeypatch.setattr(packages, "program", lambda _: program)
    assert unstable.ensure() == unstable.ensure() == system
    assert not torn.exists()
    assert not (system / "half").exists()
    (call,) = calls.read_text().splitlines()
    options, mirror = call.rsplit(" ", 1)
    assert options == f"--variant=minbase --include=mysql-server-core sid {torn}"
    assert mirror.startswith(("http://", "https://"))


def test_what_went_wrong_is_shown(
    system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = installer(tmp_path / "debootstrap", "echo E: no such mirror; exit 1")
    monkeypatch.setattr(packages, "program", lambda _: program)
    with pytest.raises(SandboxError, match=r"(?s)E: no such mirror.*debootstrap\.log"):
        unstable.ensure()
    assert not system.exists()

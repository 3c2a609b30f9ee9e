"""The packages with a kernel in C are built on any machine that has PyPI, for every Python."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import mysql_arrow.kernel
import mysql_binlog.plain.kernel
import pytest


@pytest.mark.soak
@pytest.mark.parametrize("has_compiler", [True, False], ids=["a compiler", "none"])
@pytest.mark.parametrize(
    ("package", "abi", "version"),
    [
        ("mysql-arrow", "ma_abi", mysql_arrow.kernel._ABI),
        ("mysql-binlog", "mb_abi", mysql_binlog.plain.kernel._ABI),
    ],
    ids=["mysql-arrow", "mysql-binlog"],
)
def test_a_wheel_is_made_with_the_system_s_compiler_or_one_from_pypi(
    project_root: Path, tmp_path: Path, has_compiler: bool, package: str, abi: str, version: int
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    environment = dict(os.environ)
    environment.pop("CC", None)
    if not has_compiler:
        environment["PATH"] = str(programs)
    assert bool(shutil.which("cc", path=environment["PATH"])) == has_compiler
    command: list[str | Path] = [
        *(project_root / ".uv/bin/uv", "build", "--wheel", "--package", f"tidemark-{package}"),
        *("--python", project_root / ".venv/bin/python", "--out-dir", tmp_path),
    ]
    done = subprocess.run(
        command, cwd=project_root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert "-py3-none-" in wheel.name
    with zipfile.ZipFile(wheel) as parts:
        assert not [name for name in parts.namelist() if name.endswith((".c", ".h"))]
        name = f"_{package.replace('-', '_')}_kernel.so"
        library = Path(parts.extract(name, tmp_path))
    assert b"PyObject" not in library.read_bytes()
    assert getattr(ctypes.CDLL(str(library)), abi)() == version

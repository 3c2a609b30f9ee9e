"""Compiles a package's kernel when it is built, with the system's compiler or one from PyPI.

Each package that has one says in its pyproject.toml where its ``source`` is, and the ``library``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: For a machine without a compiler.
ZIG = "ziglang==0.15.2"
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-fstack-protector-strong",
         "-Wall", "-Wextra")  # fmt: skip


def system_compiler() -> list[str]:
    """The command of the system's compiler; empty if there is none."""
    if chosen := os.environ.get("CC"):
        return chosen.split()
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    return [found] if found else []


class Kernel(BuildHookInterface):  # type: ignore[type-arg]
    """Builds one library that serves every Python of the platform."""

    def dependencies(self) -> list[str]:
        return [] if system_compiler() else [ZIG]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self._folder = tempfile.mkdtemp()
        # Named like a Python module, so that it is found; there is no Python in it.
        name = f"{self.config['library']}.so"
        library = Path(self._folder, name)
        compiler = system_compiler() or [sys.executable, "-m", "ziglang", "cc"]
        source = Path(self.root, self.config["source"])
        subprocess.run(
            [*compiler, *FLAGS, str(source), "-o", str(library)],
            check=True,
            env={"ZIG_GLOBAL_CACHE_DIR": self._folder, **os.environ},
        )
        library.chmod(0o755)
        place = "force_include_editable" if version == "editable" else "force_include"
        build_data[place] = {**build_data.get(place, {}), str(library): name}
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def finalize(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

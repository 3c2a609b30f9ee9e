"""Plugins that read and write Parquet do without what they do not use, and keep no freed memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_NOT_USED = {"numpy", "pyarrow._s3fs", "pyarrow._gcsfs", "pyarrow._azurefs", "pyarrow._hdfs"}
_TOLD = """
import atexit, os, sys

@atexit.register
def tell():
    import pyarrow
    loaded = [name for name, module in sys.modules.items() if module is not None]
    print(pyarrow.default_memory_pool().backend_name, *loaded)
    # Arrow gives its threads names; NumPy's have the program's.
    names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
    print(names.count(open("/proc/self/comm").read()))

from MODULE import main
sys.argv = ["plugin", "--version"]
main()
"""


def started(module: str) -> list[str]:
    """What a plugin tells at its end, that was started with none of these variables."""
    ours = {"ARROW_DEFAULT_MEMORY_POOL", "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", _TOLD.replace("MODULE", module)],
        check=True, capture_output=True, text=True,
        env={name: value for name, value in os.environ.items() if name not in ours},
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("tap_mysql.__main__", _NOT_USED),
        ("tap_s3_parquet.__main__", _NOT_USED),
        # Its usual work is to read a footer and to send a file.
        ("target_s3_parquet.__main__", _NOT_USED | {"pyarrow.compute"}),
    ],
)
def test_a_plugin_takes_no_memory_for_what_it_does_not_use(module: str, without: set[str]) -> None:
    backend, *loaded = started(module)[-2].split()
    assert backend == "system"
    assert without & set(loaded) == set()


def test_a_loader_starts_no_threads_for_matrices() -> None:
    *_, loaded, threads = started("target_redshift.__main__")
    assert "numpy" in loaded.split()
    assert threads == "1"

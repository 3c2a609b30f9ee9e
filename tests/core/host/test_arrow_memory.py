"""Plugins that read and write Parquet do without what they do not use, and keep no freed memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_NOT_USED = {"numpy", "pyarrow._s3fs", "pyarrow._gcsfs", "pyarrow._azurefs", "pyarrow._hdfs"}
_TOLD = """
import atexit, sys

@atexit.register
def tell():
    import pyarrow
    loaded = [name for name, module in sys.modules.items() if module is not None]
    print(pyarrow.default_memory_pool().backend_name, *loaded)

from MODULE import main
sys.argv = ["plugin", "--version"]
main()
"""


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
    environ = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    done = subprocess.run(
        [sys.executable, "-c", _TOLD.replace("MODULE", module)],
        check=True, capture_output=True, text=True, env=environ,
    )  # fmt: skip
    backend, *loaded = done.stdout.splitlines()[-1].split()
    assert backend == "system"
    assert without & set(loaded) == set()

"""Starts Arrow with little memory, for short-lived programs."""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from typing import Any

_NOT_USED = frozenset({"numpy", *(f"pyarrow._{fs}" for fs in ("azurefs", "gcsfs", "hdfs", "s3fs"))})


def lean_arrow() -> None:
    """Keeps Arrow from taking more memory than it uses; to be called before it is imported.

    Its blocks are allocated in one thread and freed in others: mimalloc, its default, then keeps
    15 MB more in a backup than the system's own allocator, at the same speed. If it is set,
    ARROW_DEFAULT_MEMORY_POOL wins. Arrow also imports what is installed: numpy, as joblib does
    (12 MB and 0.1 s of CPU), and its own clients of S3, Google, Azure and HDFS (3 MB), none of
    which is used here. What is imported already stays.
    """
    # Not by `set_memory_pool`, which the Parquet writer ignores.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    sys.meta_path.insert(0, _Without())


class _Without(MetaPathFinder):
    """Makes modules that Arrow can do without look as if they were not installed."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name in _NOT_USED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

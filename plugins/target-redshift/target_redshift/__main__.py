"""The command ``target-redshift``, same as ``python -m target_redshift``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tidemark_singer.command import run

if TYPE_CHECKING:
    from target_redshift.singer.target import TargetRedshift


def main() -> None:
    """Runs the plugin and ends the process with its exit code."""
    run(_plugin, lean=False)


def _plugin() -> type[TargetRedshift]:
    # NumPy multiplies no matrices here: the threads for it, one a core, take an eighth of a start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from target_redshift.arrow import use_jemalloc
    from target_redshift.singer.target import TargetRedshift

    use_jemalloc()

    return TargetRedshift


if __name__ == "__main__":
    main()

"""The plugins, imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial

from tidemark_core.forking.client import FORK_SERVER
from tidemark_core.forking.server import Programs
from tidemark_singer.sdk_imports import sdk_imports

from tidemark.services.follow.ready.process import serve

#: What they import late.
_LATE = ("redshift_connector", "yaml")


def _programs() -> Programs:
    """Imports them; what each does at its start happens in its fork."""
    # As in a plugin that is started by itself; must be set before Arrow and NumPy are imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with sdk_imports():
        import tap_mysql.singer.tap
        import tap_s3_parquet.singer.tap
        import target_redshift.singer.target
        import target_s3_parquet.singer.target
    import pyarrow
    import tap_mysql.__main__
    import tap_s3_parquet.__main__
    import target_redshift.__main__
    import target_s3_parquet.__main__

    pyarrow.array([0])  # looks for pandas, once: half a second where that is installed
    return {
        "tap-mysql": partial(_run, tap_mysql.__main__.main),
        "tap-s3-parquet": partial(_run, tap_s3_parquet.__main__.main),
        "target-redshift": partial(_run, target_redshift.__main__.main),
        "target-s3-parquet": partial(_run, target_s3_parquet.__main__.main),
    }


def _run(command: Callable[[], object]) -> None:
    del os.environ[FORK_SERVER]  # it is a fork already
    command()


if __name__ == "__main__":
    sys.exit(serve(_programs(), _LATE))  # type: ignore[arg-type]

"""The command ``target-s3-parquet``."""

from __future__ import annotations

from tidemark_core.host.arrow_memory import lean_arrow
from tidemark_core.process import run_plugin
from tidemark_singer.sdk_imports import sdk_imports


def main() -> None:
    run_plugin(_command)


def _command() -> None:
    lean_arrow()
    with sdk_imports():
        from target_s3_parquet.singer.target import TargetS3Parquet

    TargetS3Parquet.cli()


if __name__ == "__main__":
    main()

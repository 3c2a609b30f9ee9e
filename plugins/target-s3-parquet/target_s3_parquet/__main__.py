"""The command ``target-s3-parquet``, same as ``python -m target_s3_parquet``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemark_singer.command import run

if TYPE_CHECKING:
    from target_s3_parquet.singer.target import TargetS3Parquet


def main() -> None:
    """Runs the plugin and ends the process with its exit code."""
    run(_plugin)


def _plugin() -> type[TargetS3Parquet]:
    from target_s3_parquet.singer.target import TargetS3Parquet

    return TargetS3Parquet


if __name__ == "__main__":
    main()

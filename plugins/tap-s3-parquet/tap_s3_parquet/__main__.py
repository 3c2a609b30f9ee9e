"""The command ``tap-s3-parquet``, same as ``python -m tap_s3_parquet``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemark_singer.command import run

if TYPE_CHECKING:
    from tap_s3_parquet.singer.tap import TapS3Parquet


def main() -> None:
    """Runs the plugin and ends the process with its exit code."""
    run(_plugin)


def _plugin() -> type[TapS3Parquet]:
    from tap_s3_parquet.singer.tap import TapS3Parquet

    return TapS3Parquet


if __name__ == "__main__":
    main()

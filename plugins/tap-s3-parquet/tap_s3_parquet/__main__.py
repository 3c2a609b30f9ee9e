"""The command ``tap-s3-parquet``."""

from __future__ import annotations

from tidemark_core.process import run_plugin

from tap_s3_parquet.tap import TapS3Parquet


def main() -> None:
    run_plugin(TapS3Parquet.cli)


if __name__ == "__main__":
    main()

"""The command ``target-s3-parquet``."""

from __future__ import annotations

from tidemark_core.process import run_plugin

from target_s3_parquet.target import TargetS3Parquet


def main() -> None:
    run_plugin(TargetS3Parquet.cli)


if __name__ == "__main__":
    main()

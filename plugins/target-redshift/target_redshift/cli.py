"""The command line of target-redshift."""

from __future__ import annotations

from tidemark_core.process import run_plugin

from target_redshift.arrow import use_jemalloc
from target_redshift.singer.target import TargetRedshift


def main() -> None:
    """Runs the target; an error is one readable message, its exit code says what kind."""
    use_jemalloc()
    run_plugin(TargetRedshift.cli)


if __name__ == "__main__":
    main()

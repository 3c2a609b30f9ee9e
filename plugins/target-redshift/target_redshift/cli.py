"""The command line of target-redshift."""

from __future__ import annotations

from tidemark_core.process import run_plugin
from tidemark_singer.sdk_imports import sdk_imports


def main() -> None:
    """Runs the target; an error is one readable message, its exit code says what kind."""
    run_plugin(_command)


def _command() -> None:
    with sdk_imports():
        from target_redshift.arrow import use_jemalloc
        from target_redshift.singer.target import TargetRedshift

    use_jemalloc()
    TargetRedshift.cli()


if __name__ == "__main__":
    main()

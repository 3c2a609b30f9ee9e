"""The command line of target-redshift."""

from __future__ import annotations

from tidemark_core.host.collector import lasting_imports
from tidemark_core.process import run_plugin


def main() -> None:
    """Runs the target; an error is one readable message, its exit code says what kind."""
    run_plugin(_command)


def _command() -> None:
    with lasting_imports():
        from target_redshift.arrow import use_jemalloc
        from target_redshift.singer.target import TargetRedshift

    use_jemalloc()
    TargetRedshift.cli()


if __name__ == "__main__":
    main()

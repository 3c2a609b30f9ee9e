"""The command ``tap-mysql``, same as ``python -m tap_mysql``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemark_singer.command import run

if TYPE_CHECKING:
    from tap_mysql.singer.tap import TapMySQL


def main() -> None:
    """Runs the plugin and ends the process with its exit code."""
    run(_plugin)


def _plugin() -> type[TapMySQL]:
    from tap_mysql.singer.tap import TapMySQL

    return TapMySQL


if __name__ == "__main__":
    main()

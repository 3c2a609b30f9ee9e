"""The command ``tidemark``."""

from __future__ import annotations

from tidemark_core.host.collector import lasting_imports


def main() -> None:
    with lasting_imports():
        from tidemark import cli

    cli.main()


if __name__ == "__main__":
    main()

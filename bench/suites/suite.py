"""What a suite needs: its packages, its files, and what it expects to find in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Suite:
    """A suite of other people's tests. ``{host}``, ``{port}`` and so on stand for the server's.

    Attributes:
        name: As in `make fidelity SUITE=…`.
        requirements: What uv installs; paths are relative to the checkout.
        tests: pytest's arguments: files and options, relative to the folder that it runs in.
        package: Whose version names the suite, unless it is a checkout.
        copied: Folders of the checkout that are copied; empty: the suite lies in ``suites/pypi``.
        folder: Of the checkout, where pytest runs.
        environment: Variables.
        files: What is written into the copy, by path.
        replaced: What is replaced in a file of the copy, by path: an old text and a new one.
        setup: Statements that are run first.
        parallel: Whether its files may run side by side.
    """

    name: str
    requirements: tuple[str, ...]
    tests: tuple[str, ...]
    package: str = ""
    copied: tuple[str, ...] = ()
    folder: Path = Path()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    parallel: bool = False

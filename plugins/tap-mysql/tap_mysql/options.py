"""How an extraction is done, and where its results go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from tap_mysql.files import FinishedFile
from tap_mysql.keys import Lookback


class Output(Protocol):
    """Where an extraction's results go. Each call is atomic: no message comes between its parts."""

    def begin(self) -> None:
        """The stream's schema; before the first file."""

    def commit(self, file: FinishedFile | None, state: dict[str, Any] | None) -> None:
        """A file, and the bookmark that it makes true; either may be None."""


@dataclass(frozen=True)
class Options:
    """How tables are extracted.

    Attributes:
        lookback: How far before the bookmark a window begins.
        null_keys: ``refuse`` or ``read``.
        chunks: Key ranges of a first load.
        workers: Ranges read at the same time.
        max_rows: New rows of a table and run, give or take those of one key; 0: all.
    """

    lookback: Lookback
    null_keys: str = "refuse"
    chunks: int = 1
    workers: int = 1
    max_rows: int = 0

"""Where an extraction's results go."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tidemark_core.text.documents import Json

from tap_mysql.reading.parquet_file import FinishedFile


class Output(Protocol):
    """Where an extraction's results go. Each call is atomic: no message comes between its parts."""

    def begin(self, moment: datetime) -> None:
        """Announces the stream's schema and the time of extraction (UTC), before the first file."""

    def commit(self, file: FinishedFile | None, state: Json | None) -> None:
        """Passes on a file and the bookmark that it makes true; either may be None."""

"""What a test of a read hooks into: moments between two of its files, and what it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tap_mysql.reading.parquet_file import FinishedFile
from tap_mysql.reading.range_reader import Reading
from tap_mysql.source.arrow_query import Fetch

if TYPE_CHECKING:
    import pytest
    from tap_mysql.query.sql import Range

    from tests.tap_mysql.conftest import Source

#: Rows of a table that is read while something happens.
ROWS = 60_000


def after_files(count: int, action: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Does something when a run has finished a number of files."""
    finished: list[FinishedFile] = []
    files = Reading.files

    def watched(self: Reading, selected: Range) -> Iterator[FinishedFile]:
        for file in files(self, selected):
            finished.append(file)
            yield file
            if len(finished) == count:
                action()

    monkeypatch.setattr(Reading, "files", watched)


def watch_queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list of the queries of reads from now on."""
    asked: list[str] = []
    begin = Fetch.__iter__

    def watched(self: Fetch) -> Any:
        asked.append(self.query)
        return begin(self)

    monkeypatch.setattr(Fetch, "__iter__", watched)
    return asked


def connections(source: Source, word: str = "tidemark-") -> list[int]:
    """The sessions whose query begins with a word of ours."""
    found = source.sql(
        f"SELECT id FROM information_schema.processlist WHERE info LIKE '/* {word}%'"
    )
    return [int(row[0]) for row in found]

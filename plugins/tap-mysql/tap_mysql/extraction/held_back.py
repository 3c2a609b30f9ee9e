"""Holds a file back until the next one arrives, so that the last one can be identified."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from tap_mysql.reading.parquet_file import FinishedFile


class HeldBack:
    """Holds each file back until the next one comes; use it as a context manager.

    A file still held when the block fails is removed: the target will not learn of it.

    Attributes:
        file: The file held back; None if there is none.
    """

    def __init__(self) -> None:
        self.file: FinishedFile | None = None

    def take(self, file: FinishedFile, tell: Callable[[FinishedFile], object]) -> None:
        """Holds a file back.

        Args:
            file: The next one.
            tell: Reports the one before, which is not the last.
        """
        before, self.file = self.file, file
        if before is not None:
            tell(before)

    def give(self) -> FinishedFile | None:
        """Releases the file."""
        file, self.file = self.file, None
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self.file is not None:
            self.file.path.unlink(missing_ok=True)

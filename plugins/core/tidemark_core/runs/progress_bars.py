"""The terminal view of a run: the current leg and one bar per table, fitted to the width."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidemark_core.runs.progress import Progress

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_BAR = 20
#: Between the columns, and at the end of the line.
_GAPS = 4
_SHORTEST_NAME = 8


class Bars:
    """Shows how far each table is, with rows, rows/s and the time left; gone when it is done."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._clock = clock
        self._live: Live | None = None
        self._lock = threading.RLock()
        self._stage: tuple[str, float] | None = None
        self._detail = ""
        self._tables: dict[str, tuple[Progress, float]] = {}
        self._before: list[tuple[logging.StreamHandler[Any], Any]] = []

    def stage(self, name: str) -> None:
        """Begins a stage of the run: a line of its own, with the time since."""
        with self._lock:
            self._stage, self._detail = (name, self._clock()), ""
            self._start()

    def tell(self, detail: str) -> None:
        """Shows in a few words what the stage is doing."""
        with self._lock:
            self._detail = detail

    def show(self, progress: Progress) -> None:
        """See `progress.Display`."""
        with self._lock:
            known = self._tables.pop(progress.table, None)
            if progress.ended:
                return
            # The time of a phase, or since the end of the reading, counts from its first line.
            moved = known is None or (known[0].phase, known[0].rows) != (
                progress.phase,
                progress.rows,
            )
            since = self._clock() if moved or known is None else known[1]
            self._tables[progress.table] = (progress, since)
            self._start()

    def pause(self) -> None:
        """Clears the view, so that lines can be printed; `stage` and `show` bring it back."""
        with self._lock:
            live, self._live = self._live, None
            self._stage, self._tables = None, {}
            for handler, stream in self._before:
                handler.setStream(stream)
            self._before = []
        if live is not None:  # its own thread may be waiting for the lock
            live.stop()

    def close(self) -> None:
        """See `progress.Display`."""
        self.pause()

    def _start(self) -> None:
        """Begins to draw. Lines of the log go above the bars from now on, not through them."""
        if self._live is not None:
            return
        from rich.live import Live

        # What goes to a file or a pipe is not for the terminal.
        self._live = Live(
            get_renderable=self._view,
            console=self._console,
            transient=True,
            refresh_per_second=4,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._live.start()
        for handler in logging.getLogger().handlers:
            if type(handler) is logging.StreamHandler:
                self._before.append((handler, handler.stream))
                handler.setStream(sys.stderr)

    def _view(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            now, width = self._clock(), self._console.width
            tables = [(progress, now - since) for progress, since in self._tables.values()]
            head = self._stage and (self._stage[0], now - self._stage[1], self._detail)
        grid = Table.grid(padding=(0, 1))
        for line, (progress, _) in zip(fitted(tables, width), tables, strict=True):
            busy = progress.phase or progress.total is None
            total = None if busy else float(max(progress.total or 0, progress.rows, 1))
            bar = ProgressBar(total, progress.rows, width=_BAR, pulse=bool(busy))
            grid.add_row(Text(line[0], no_wrap=True), bar, Text(line[1], no_wrap=True))
        whole = Table.grid()
        if head:
            words = " ".join([head[0], clock_text(head[1]), head[2]]).rstrip()
            whole.add_row(Text(words, no_wrap=True, overflow="ellipsis", style="dim"))
        whole.add_row(grid)
        return whole


def fitted(tables: Sequence[tuple[Progress, float]], width: int) -> list[tuple[str, str]]:
    """Names and words of tables, as long as they fit on a line beside the bars. Pure.

    Args:
        tables: How far each is, and the seconds since it has changed.
        width: Columns of the terminal.
    """
    room = width - _BAR - _GAPS
    forms = [words_of(progress, waited) for progress, waited in tables]
    names = {progress.table: progress.table for progress, _ in tables}
    bare = _bare(names)
    for shown, level in ((names, 0), (bare, 0), (bare, 1), (bare, 2), (bare, 3)):
        words = [form[min(level, len(form) - 1)] for form in forms]
        longest = max(map(len, shown.values()), default=0)
        if longest + max(map(len, words), default=0) <= room:
            break
    space = max(_SHORTEST_NAME, room - max(map(len, words), default=0))
    return [
        (_cut(shown[progress.table], space), text)
        for (progress, _), text in zip(tables, words, strict=True)
    ]


def _bare(names: Mapping[str, str]) -> dict[str, str]:
    """Names without the database, if they still differ."""
    short = {name: name.partition(".")[2] or name for name in names}
    alike = len(set(short.values())) < len(short)
    return dict(names) if alike else short


def _cut(name: str, space: int) -> str:
    return name if len(name) <= space else f"{name[: space - 1]}…"


def words_of(progress: Progress, waited: float) -> tuple[str, ...]:
    """The text after a bar, the longest form first. Pure.

    Args:
        progress: How far the table is.
        waited: Seconds since that has changed.
    """
    if progress.phase:
        return (f"{progress.phase} {clock_text(waited)}",)
    rows, speed = f"{progress.rows:,}", f"{progress.rows_per_second:,} rows/s"
    if progress.total is None:
        return (f"{rows} rows, {speed}", f"{rows} rows")
    total = max(progress.total, progress.rows)
    left = progress.seconds_left
    tail = "" if left is None else f", {clock_text(left)} left"
    if left == 0:
        # The estimate was too low, or what is left is not reading.
        tail = f", finishing {clock_text(waited)}"
    return (
        f"{rows} of about {total:,} rows, {speed}{tail}",
        f"{rows} of {total:,}, {speed}{tail}",
        f"{rows} of {total:,}{tail}",
        f"{progress.rows * 100 // max(total, 1)}%{tail}",
    )


def clock_text(seconds: float) -> str:
    """A time as minutes and seconds."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"

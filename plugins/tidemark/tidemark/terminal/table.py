"""Tables for the terminal: lines where they fit, and where they do not, a block for each row.

If a table does not fit, first the schema that all its names share moves into the title, then the
columns that can be spared are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from tidemark_core.text.printable import printable

from tidemark.terminal.format import moment

STYLES = {"OK": "green", "WARN": "yellow", "ERROR": "red"}
#: Least width of columns that may be wrapped; below it, blocks are easier to read.
_NARROWEST = 20
_GAP = 3


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        title: Above it.
        columns: Heads.
        rows: Texts.
        right: Heads of the columns that are aligned to the right.
        wrap: Heads of the columns whose text may be wrapped; no other column's is.
        spare: Heads of the columns that are left out where there is no room.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str]
    wrap: frozenset[str]
    spare: frozenset[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws it in the available width."""
        sheet = self._fitting(options.max_width)
        yield Text(sheet.title, style="bold")
        if not sheet.rows:
            yield Text("  none", style="dim")
        elif sheet._least_width() <= options.max_width:
            yield sheet._table()
        else:
            for row in sheet.rows:
                yield from sheet._block(row, options.max_width)
        yield Text("")

    def _fitting(self, width: int) -> Sheet:
        """The fullest of its forms that fits; the shortest where none does."""
        if not self.rows:
            return self
        short = self._in_schema()
        forms = (self, short, short._without_spare())
        return next((form for form in forms if form._least_width() <= width), forms[-1])

    def _in_schema(self) -> Sheet:
        """The table with the schema of its tables in the title, if they all have the same."""
        schemas = {row[0].partition(".")[0] for row in self.rows if "." in row[0]}
        if self.columns[0] != "table" or len(schemas) != 1:
            return self
        (schema,) = schemas
        rows = tuple((row[0].removeprefix(f"{schema}."), *row[1:]) for row in self.rows)
        return replace(self, title=f"{self.title}, tables of {schema}", rows=rows)

    def _without_spare(self) -> Sheet:
        kept = [index for index, head in enumerate(self.columns) if head not in self.spare]
        rows = tuple(tuple(row[index] for index in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[index] for index in kept), rows=rows)

    def _width(self, index: int) -> int:
        return max(cell_len(text) for text in (self.columns[index], *(r[index] for r in self.rows)))

    def _least_width(self) -> int:
        widths = [
            min(self._width(index), _NARROWEST) if head in self.wrap else self._width(index)
            for index, head in enumerate(self.columns)
        ]
        return sum(widths) + _GAP * (len(widths) - 1)

    def _table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
        for head in self.columns:
            table.add_column(
                head,
                justify="right" if head in self.right else "left",
                no_wrap=head not in self.wrap,
                overflow="fold",
            )
        for row in self.rows:
            table.add_row(*(Text(text, style=STYLES.get(text, "")) for text in row))
        return table

    def _block(self, row: tuple[str, ...], width: int) -> Iterable[Text | Padding]:
        """The first cell, and below it the others with their heads."""
        yield Text(row[0], style="bold cyan", overflow="fold")
        line, room = Text(overflow="fold"), width - 2
        for head, text in zip(self.columns[1:], row[1:], strict=True):
            pair = Text.assemble(
                (f"{head} " if head.strip() else "", "dim"), (text, STYLES.get(text, ""))
            )
            if line and line.cell_len + 2 + pair.cell_len > room:
                yield Padding(line, (0, 0, 0, 2), expand=False)
                line = Text(overflow="fold")
            line.append("  " if line else "").append_text(pair)
        yield Padding(line, (0, 0, 0, 2), expand=False)


def make_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: str = "",
    wrap: str = "",
    spare: str = "",
) -> Sheet:
    """Makes a table; values are text, never markup.

    Args:
        title: Above the table.
        columns: Heads.
        rows: Cells; None prints as a dash.
        right: Heads of the columns that are aligned to the right, separated by commas.
        wrap: Heads of those whose text may be wrapped, likewise.
        spare: Heads of those that are left out where there is no room, likewise.
    """
    texts = tuple(tuple(_text(value) for value in row) for row in rows)
    return Sheet(
        printable(title),
        tuple(map(printable, columns)),
        texts,
        right=frozenset(right.split(",")),
        wrap=frozenset(wrap.split(",")),
        spare=frozenset(spare.split(",")) - {""},
    )


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return printable(str(value))

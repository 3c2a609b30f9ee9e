"""Tables of rows as psql and the guide's authors print them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

#: Between a table's head and its rows; some pages have one between rows too.
_RULE = re.compile(r"[ \t]*\|?[-+| \t]*--[-+| \t]*$")
_COUNT = re.compile(r"\s*\(\d+ rows?\)")
_NULL = frozenset(["null", "(null)", "[null]"])
_WORDS = {"t": "true", "true": "true", "f": "false", "false": "false"}
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d) 00:00:00")

Row = Sequence[object]


@dataclass(frozen=True)
class Table:
    """A printed table.

    Attributes:
        names: Its head.
        rows: Its cells, without the blanks around them.
    """

    names: list[str]
    rows: list[list[str]]


def table(text: str) -> Table | None:
    """The first table in a text; None if there is none."""
    lines = text.split("\n")
    for i in range(1, len(lines)):
        if _RULE.match(lines[i]) and lines[i - 1].strip():
            names = _cells(lines[i - 1])
            return Table(names, list(_rows(lines[i + 1 :], len(names))))
    return None


def _rows(lines: Iterable[str], columns: int) -> Iterable[list[str]]:
    for line in lines:
        if not line.strip() or _COUNT.match(line):
            return
        if not _RULE.match(line):
            cells = _cells(line) if columns > 1 else [line.strip().strip("|").strip()]
            yield cells + [""] * (columns - len(cells))


def _cells(line: str) -> list[str]:
    framed = line.strip().startswith("|") and line.strip().endswith("|")
    return [cell.strip() for cell in (line.strip()[1:-1] if framed else line).split("|")]


def is_same(rows: Sequence[Row], wanted: Table, *, ordered: bool = False) -> bool:
    """Whether rows are those of a table.

    An empty cell is NULL or an empty string: a row of nothing else is not printed at all.

    Args:
        rows: What came.
        wanted: What is printed.
        ordered: Whether they have to come in the same order.
    """
    found = [[_plain(value) for value in row] for row in rows]
    printed = [[_plain(value) for value in row] for row in wanted.rows]
    if not printed:
        return not any(map(any, found))
    return found == printed if ordered else sorted(found) == sorted(printed)


def _plain(value: object) -> str:
    """A value without what only its printing has: quotes, zeros, a midnight."""
    text = "" if value is None else " ".join(str(value).split()).strip('"')
    if text.lower() in _NULL:
        return ""
    try:
        return str(Decimal(text).normalize())
    except InvalidOperation:
        return _WORDS.get(text.lower(), _MIDNIGHT.sub(r"\1", text))

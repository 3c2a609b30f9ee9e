"""How many rows one query asks for.

ConnectorX takes a result from the server as fast as it comes, and keeps in memory what nobody has
asked for yet: before a slow target, all of it. So a range that has an order is asked for page by
page, and its size in memory is a page's, however large the table is.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of a page in memory. Measured: smaller pages are slower, for each connects anew.
PAGE_BYTES = 48 * 2**20
_LEAST_ROWS, _MOST_ROWS = 100, 1_000_000
#: Rows of a first page whose rows nobody knows anything of.
_UNKNOWN_ROWS = 1_000
#: What a row takes in Arrow at least, whatever the server's estimate of its length.
_LEAST_ROW_BYTES = 256


@dataclass
class Pages:
    """Sizes of the pages of one range.

    Attributes:
        room: Bytes of a page in memory, about.
        row_bytes: Bytes of a row: the server's estimate, then what the rows had that were read;
            0: unknown.
    """

    room: int
    row_bytes: int

    @property
    def rows(self) -> int:
        """Rows of the next page."""
        if not self.row_bytes:
            return _UNKNOWN_ROWS
        fitting = self.room // max(self.row_bytes, _LEAST_ROW_BYTES)
        return min(max(fitting, _LEAST_ROWS), _MOST_ROWS)

    def learn(self, rows: int, size: int) -> None:
        """A page had so many rows and bytes; the next one has as long rows, or longer ones."""
        if rows:
            self.row_bytes = size // rows

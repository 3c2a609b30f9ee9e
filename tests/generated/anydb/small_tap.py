"""tap-mysql with pages and key ranges of a few rows, so that small tables have many of them.

Neither size is a setting: the tap finds them itself.
"""

from __future__ import annotations

import os

from tap_mysql import chunks, pages
from tap_mysql.cli import main


def shrink() -> None:
    if page := int(os.environ["GENERATED_PAGE_ROWS"]):
        pages.Pages.rows = property(lambda _: page)
    if chunk := int(os.environ["GENERATED_CHUNK_ROWS"]):
        assert "least_rows" in chunks.split.__kwdefaults__
        chunks.split.__kwdefaults__["least_rows"] = chunk


if __name__ == "__main__":
    shrink()
    main()

"""tap-mysql with pages and key ranges of a few rows, so that small tables have many of them.

Neither size is a setting: ranges are cut in pages after a killed query alone.
"""

from __future__ import annotations

import os

from tap_mysql.__main__ import main
from tap_mysql.query import key_ranges
from tap_mysql.reading.range_reader import Mode


def shrink() -> None:
    if page := int(os.environ["GENERATED_PAGE_ROWS"]):
        Mode.limit = lambda *_: page  # type: ignore[method-assign]
    if chunk := int(os.environ["GENERATED_CHUNK_ROWS"]):
        defaults = key_ranges.split.__kwdefaults__
        assert defaults is not None
        assert "least_rows" in defaults
        defaults["least_rows"] = chunk


if __name__ == "__main__":
    shrink()
    main()

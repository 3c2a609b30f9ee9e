"""A table with rows enough to be read while something happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from readhooks import ROWS

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source


@pytest.fixture
def wide(source: Source) -> Source:
    source.make("wide", "id INT PRIMARY KEY, v VARCHAR(200), update_at DATETIME, KEY (update_at)")
    source.sql(
        "INSERT INTO wide SELECT seq, REPEAT('x', 200), '2024-01-01' + INTERVAL seq SECOND "
        f"{source.numbers(ROWS)}"
    )
    return source

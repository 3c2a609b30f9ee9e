"""Two tables that change under a follower."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


@pytest.fixture
def tables(lake: Lake) -> Iterator[tuple[TableName, TableName]]:
    """Two tables with a row each."""
    names = [f"{lake.table.table}_{letter}" for letter in "ab"]
    for name in names:
        lake.sandbox.mysql(f"CREATE TABLE {name} (id INT PRIMARY KEY, v INT)")
        lake.sandbox.mysql(f"INSERT INTO {name} VALUES (1, 1)")
    first, second = (TableName("settlement", name) for name in names)
    yield first, second
    for name in names:
        lake.sandbox.mysql(f"DROP TABLE IF EXISTS {name}")

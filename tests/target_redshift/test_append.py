"""Loading files of the lake into an append-only landing table, exactly once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Lake, Table

ROWS = [(1, "one", Decimal("1.10")), (2, None, None), (3, "", Decimal("-3.00"))]


def test_rows_arrive_with_their_load_and_are_in_the_ledger(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    file = table.write(ROWS)
    done = lake.run(table.schema(), table.batch(file), state)
    assert done.code == 0, done.errors
    assert done.states == [state["value"]]
    assert table.rows("id, name, amount") == ROWS
    ((load_id, extracted, deleted),) = lake.sql(
        "SELECT DISTINCT _tidemark_load_id, _sdc_extracted_at, _sdc_deleted_at "
        f"FROM {table.landing}"
    )
    assert extracted == datetime(2026, 1, 2, 3, 4, 6)
    assert deleted is None
    ((name, rows, ledger_load, fence),) = table.ledger()
    assert (name, rows, ledger_load) == (file.s3_location[1], 3, load_id)
    assert fence > 0
    assert lake.staged(table) == []

"""The loader is killed at random moments; one rerun after each gives the same table."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Lake, Table

Watch = Callable[["subprocess.Popen[str]"], "subprocess.Popen[str]"]


@pytest.mark.soak
@pytest.mark.fault(17)
@pytest.mark.parametrize("load_method", ["append-only", "upsert"])
def test_a_hundred_kills_lose_no_row_and_load_none_twice(
    lake: Lake, table: Table, state: dict[str, Any], watch: Watch, load_method: str
) -> None:
    chance = random.Random(7)
    rows = 0
    killed = 0
    for _ in range(50):
        number = chance.randint(1, 3)
        files = []
        for _ in range(number):
            files.append(table.write([(n, str(n), None) for n in range(rows, rows + 500)]))
            rows += 500
        messages = (table.schema(), *(m for f in files for m in (table.batch(f), state)))
        process = watch(lake.start(load_method=load_method))
        process.stdin.write(lake.lines(*messages))  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        time.sleep(chance.uniform(1.0, 5.0))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        lake.load(*messages, load_method=load_method)
        found = lake.sql(f"SELECT count(*), count(DISTINCT id), max(id) FROM {table.landing}")
        assert found == [(rows, rows, rows - 1)]
        assert sum(count for _, count, _, _ in table.ledger()) == rows
        assert lake.staged(table) == []
    assert killed

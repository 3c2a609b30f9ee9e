"""The loader is killed at random moments; one rerun after each gives the same table."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

Watch = Callable[["subprocess.Popen[str]"], "subprocess.Popen[str]"]
#: With the two methods, a hundred.
KILLS = 50
_ROWS = 500


@pytest.mark.soak
@pytest.mark.fault(17)
@pytest.mark.parametrize("load_method", ["append-only", "upsert"])
def test_a_hundred_kills_lose_no_row_and_load_none_twice(
    lake: Lake, table: Table, watch: Watch, load_method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(7)
    states = count(1)
    rows = 0

    def messages(files: int) -> list[dict[str, Any]]:
        nonlocal rows
        made = [table.schema()]
        for _ in range(files):
            file = table.write([(n, str(n), None) for n in range(rows, rows + _ROWS)])
            state = {"type": "STATE", "value": {"bookmarks": {"shop-t": {"last": next(states)}}}}
            made += [table.batch(file), state]
            rows += _ROWS
        return made

    def start(told: list[dict[str, Any]]) -> subprocess.Popen[str]:
        process = watch(lake.start(load_method=load_method))
        assert process.stdin is not None
        process.stdin.write(lake.lines(*told))
        process.stdin.flush()
        return process

    begun = time.monotonic()
    undisturbed = start(messages(2))
    assert undisturbed.stdout is not None
    for _ in range(2):
        assert undisturbed.stdout.readline()
    life = time.monotonic() - begun
    undisturbed.communicate()
    hit = late = 0
    while hit < KILLS:
        number = chance.randint(1, 3)
        told = messages(number)
        process = start(told)
        time.sleep(chance.uniform(0.0, life))
        process.kill()
        out, _ = process.communicate()
        assert process.returncode == -signal.SIGKILL
        # Once its last STATE is out, it only waits for more.
        in_time = out.count("\n") < number
        hit, late = hit + in_time, late + (not in_time)
        lake.load(*told, load_method=load_method)
        found = lake.sql(f"SELECT count(*), count(DISTINCT id), max(id) FROM {table.landing}")
        assert found == [(rows, rows, rows - 1)]
        assert sum(loaded for _, loaded, _, _ in table.ledger()) == rows
        assert lake.staged(table) == []
        assert late <= KILLS, "the moments are no longer within the life of a load"
    with capsys.disabled():
        print(
            f"\n{load_method}: {hit} kills within {life:.1f} s, {late} more came after the last "
            f"STATE; after one rerun each, ledger and {rows:,} rows in landing agree"
        )

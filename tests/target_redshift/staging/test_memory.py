"""The loader's memory is bounded, whatever the size of the load."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from measure import run

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake

_COLUMNS = {"ID": "int64", **{f"text_{n}": "string(40)" for n in range(24)}}
_FILE_ROWS = 100_000


@pytest.mark.soak
def test_five_times_the_rows_need_no_more_memory(lake: Lake, tmp_path: Path) -> None:
    peaks = []
    config = tmp_path / "config.json"
    config.write_text(json.dumps(lake.config))
    chance = np.random.default_rng(7)
    for files in (2, 10):
        table = lake.table(_COLUMNS)
        written = []
        for number in range(files):
            ids = np.arange(number * _FILE_ROWS, (number + 1) * _FILE_ROWS)
            texts = [
                pa.array(chance.integers(10**17, 10**18, _FILE_ROWS)).cast(pa.string())
                for _ in range(24)
            ]
            written.append(table.write(pa.table([pa.array(ids), *texts], names=list(_COLUMNS))))
        messages = tmp_path / "messages"
        state = {"type": "STATE", "value": {}}
        messages.write_text(lake.lines(table.schema(), table.batch(*written), state))
        done = run(["cat", messages], [sys.executable, "-m", "target_redshift", "--config", config])
        assert lake.sql(f"SELECT count(*) FROM {table.landing}") == [(files * _FILE_ROWS,)]
        peaks.append(max(done.peaks.values()))
    assert max(peaks) < 500
    assert peaks[1] < 1.25 * peaks[0]

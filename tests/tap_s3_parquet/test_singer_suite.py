"""The Singer SDK's own tests of taps, on a lake with every kind of column."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from singer_sdk.testing import SuiteConfig
from singer_sdk.testing.runners import TapTestRunner
from singer_sdk.testing.suites import tap_stream_attribute_tests, tap_stream_tests, tap_tests
from tap_s3_parquet.singer.tap import TapS3Parquet

ROWS = pa.table(
    {
        "id": pa.array([1, 2], pa.int64()),
        "name": pa.array(["é", "x"]),
        "price": pa.array([Decimal("1.50"), Decimal("2.25")], pa.decimal128(10, 2)),
        "ratio": pa.array([0.5, 1e-300], pa.float64()),
        "on_day": pa.array([date(2025, 1, 1)] * 2, pa.date32()),
        "at": pa.array([datetime(2025, 1, 1, 2, 3, 4, 5)] * 2, pa.timestamp("us")),
        "yes": pa.array([True, False]),
        "raw": pa.array([b"\x00\xff", b""], pa.binary()),
    }
)


@pytest.fixture
def runner(lake: Any, read: Any) -> TapTestRunner:
    lake.commit(ROWS)
    made = TapTestRunner(TapS3Parquet, config=lake.config | {"s3_output": "records"})
    made.sync_all()
    return made


@pytest.mark.parametrize("test", tap_tests.tests, ids=lambda test: test.name)
def test_tap(runner: TapTestRunner, test: Any) -> None:
    test().run(SuiteConfig(), None, runner)


@pytest.mark.parametrize("test", tap_stream_tests.tests, ids=lambda test: test.name)
def test_stream(runner: TapTestRunner, test: Any) -> None:
    [stream] = runner.new_tap().streams.values()
    test().run(SuiteConfig(), None, runner, stream)


@pytest.mark.parametrize("test", tap_stream_attribute_tests.tests, ids=lambda test: test.name)
def test_attributes(runner: TapTestRunner, test: Any) -> None:
    [stream] = runner.new_tap().streams.values()
    for name, schema in stream.schema["properties"].items():
        if test.evaluate(stream, name, schema):
            test().run(SuiteConfig(), None, runner, stream, name)

"""The Singer SDK's own tests of a tap, on a small table."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import tap_tests
from singer_sdk.testing.config import SuiteConfig
from singer_sdk.testing.runners import TapTestRunner
from singer_sdk.testing.templates import StreamTestTemplate, TapTestTemplate
from tap_mysql.singer.tap import TapMySQL

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

TAP_TESTS = (
    tap_tests.TapCLIPrintsTest,
    tap_tests.TapDiscoveryTest,
    tap_tests.TapStreamConnectionTest,
    tap_tests.TapValidFinalStateTest,
)
STREAM_TESTS = (
    tap_tests.StreamSchemaIsValidTest,
    tap_tests.StreamReturnsRecordTest,
    tap_tests.StreamCatalogSchemaMatchesRecordTest,
    tap_tests.StreamRecordSchemaMatchesCatalogTest,
    tap_tests.StreamRecordMatchesStreamSchema,
    tap_tests.StreamPrimaryKeysTest,
)


@pytest.fixture
def runner(source: Source) -> TapTestRunner:
    source.make(
        "sdk",
        "id INT PRIMARY KEY, v VARCHAR(9), d DECIMAL(9,2), update_at DATETIME(6)",
        "(1, 'a', 1.5, '2024-01-01'), (2, NULL, NULL, '2024-01-02')",
    )
    runner = TapTestRunner(
        tap_class=TapMySQL,
        config=source.config(backup_output="record"),
        suite_config=SuiteConfig(),
        catalog=source.catalog("sdk", key="update_at"),
    )
    runner.sync_all()
    return runner


@pytest.mark.parametrize("test_class", TAP_TESTS, ids=lambda c: c.name)
def test_tap(runner: TapTestRunner, test_class: type[TapTestTemplate]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        test_class().run(config=SuiteConfig(), resource=None, runner=runner)


@pytest.mark.parametrize("test_class", STREAM_TESTS, ids=lambda c: c.name)
def test_stream(runner: TapTestRunner, test_class: type[StreamTestTemplate]) -> None:
    (stream,) = runner.new_tap().streams.values()
    test_class().run(config=SuiteConfig(), resource=None, runner=runner, stream=stream)

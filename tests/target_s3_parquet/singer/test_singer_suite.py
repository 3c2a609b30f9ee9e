"""The Singer SDK's own tests of targets, its optional ones too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import TargetRecordMissingRequiredProperty
from target_s3_parquet.singer.target import TargetS3Parquet

# Not TargetMultipleStateMessages: it wants three of the input's STATEs, as text; what it means is
# in test_records.py.
_OPTIONAL = SingerTestSuite(kind="target", tests=[TargetRecordMissingRequiredProperty])
_Standard: Any = get_target_test_class(TargetS3Parquet, custom_suites=[_OPTIONAL])


class ClosingRunner(TargetTestRunner):
    """Closes its targets: some of the tests end in the middle, with the lease still renewed."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.targets: list[TargetS3Parquet] = []

    def new_target(self) -> TargetS3Parquet:
        target = super().new_target()
        assert isinstance(target, TargetS3Parquet)
        self.targets.append(target)
        return target


class TestSingerTarget(_Standard):  # type: ignore[misc]
    """Each test has a lake of its own; two of them change a schema inside the run."""

    @pytest.fixture
    def runner(self, lake: Any) -> Iterator[TargetTestRunner]:
        config = lake.config | {"s3_schema_changes": "accept"}
        runner = ClosingRunner(target_class=TargetS3Parquet, config=config)
        yield runner
        for target in runner.targets:
            target.close()

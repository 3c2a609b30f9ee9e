"""The Singer SDK's own tests of targets, its optional ones too."""

from __future__ import annotations

from typing import Any

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import TargetRecordMissingRequiredProperty
from target_s3_parquet.target import TargetS3Parquet

# Not TargetMultipleStateMessages: it compares text with objects and passes nowhere; what it means
# is in test_records.py.
_OPTIONAL = SingerTestSuite(kind="target", tests=[TargetRecordMissingRequiredProperty])
_Standard: Any = get_target_test_class(TargetS3Parquet, custom_suites=[_OPTIONAL])


class TestSingerTarget(_Standard):  # type: ignore[misc]
    """Each test has a lake of its own; two of them change a schema inside the run."""

    @pytest.fixture
    def runner(self, lake: Any) -> TargetTestRunner:
        config = lake.config | {"s3_schema_changes": "accept"}
        return TargetTestRunner(target_class=TargetS3Parquet, config=config)

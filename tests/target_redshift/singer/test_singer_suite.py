"""The Singer SDK's own tests of targets, its optional ones too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import TargetRecordMissingRequiredProperty
from target_redshift.singer.target import TargetRedshift

# Not TargetMultipleStateMessages: it wants three of the input's five STATEs, and as text.
_OPTIONAL = SingerTestSuite(kind="target", tests=[TargetRecordMissingRequiredProperty])
_Standard: Any = get_target_test_class(TargetRedshift, custom_suites=[_OPTIONAL])
#: The tables of the SDK's streams, folded.
_TABLES = (
    "test_array_data",
    "testcamelcase",
    "test_duplicate_records",
    "test_strings",
    "test_no_pk",
    "test_optional_attributes",
    "test_pk_updates",
    "test_record_missing_fields",
    "test_object_schema_no_properties",
    "test_schema_updates",
    "test:specialchars! in attributes",
    "record_missing_required_property",
)


class ClosingRunner(TargetTestRunner):
    """Closes its targets: some of the tests end in the middle of the messages."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.targets: list[TargetRedshift] = []

    def new_target(self) -> TargetRedshift:
        target = super().new_target()
        assert isinstance(target, TargetRedshift)
        self.targets.append(target)
        return target


class TestSingerTarget(_Standard):  # type: ignore[misc]
    """Each test begins without what an earlier one has left.

    By load_method=append-only: some of the streams have no key, which an upsert refuses.
    """

    @pytest.fixture
    def runner(self, lake: Any) -> Iterator[ClosingRunner]:
        for table in _TABLES:
            lake.sql(f'DROP TABLE IF EXISTS landing."{table}"')
        runner = ClosingRunner(target_class=TargetRedshift, config=lake.config)
        yield runner
        if runner.input_filepath:
            runner.target_input.close()  # the SDK leaves it open
        for target in runner.targets:
            target.close()

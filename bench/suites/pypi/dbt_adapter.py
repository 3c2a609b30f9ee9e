"""dbt's tests for adapters, instantiated for Redshift as adapters do: one subclass per base class.

Left out are the bases of what Redshift has not (Python models, Spark, catalogs), those that an
adapter gives data of its own, and those that send several statements at once, which Redshift's
driver cannot.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest

_BASES = """
basic.test_adapter_methods BaseAdapterMethod
basic.test_base BaseSimpleMaterializations
basic.test_empty BaseEmpty
basic.test_ephemeral BaseEphemeral
basic.test_generic_tests BaseGenericTests
basic.test_incremental BaseIncremental BaseIncrementalBadStrategy BaseIncrementalNotSchemaChange
basic.test_singular_tests BaseSingularTests
basic.test_singular_tests_ephemeral BaseSingularTestsEphemeral
basic.test_table_materialization BaseTableMaterialization
basic.test_validate_connection BaseValidateConnection
aliases.test_aliases BaseAliases BaseAliasErrors BaseSameAliasDifferentSchemas
caching.test_caching BaseCachingLowercaseModel BaseCachingUppercaseModel BaseNoPopulateCache
caching.test_caching BaseCachingSelectedSchemaOnly
concurrency.test_concurrency BaseConcurrency
dbt_clone.test_dbt_clone BaseCloneNotPossible
dbt_show.test_dbt_show BaseShowLimit BaseShowSqlHeader BaseShowDoesNotHandleDoubleLimit
empty.test_empty BaseTestEmpty BaseTestEmptyInlineSourceRef
grants.test_incremental_grants BaseIncrementalGrants
grants.test_model_grants BaseModelGrants
grants.test_seed_grants BaseSeedGrants
grants.test_snapshot_grants BaseSnapshotGrants
hooks.test_run_hooks BaseAfterRunHooks
incremental.test_incremental_microbatch BaseMicrobatch
incremental.test_incremental_on_schema_change BaseIncrementalOnSchemaChange
incremental.test_incremental_predicates BaseIncrementalPredicates
incremental.test_incremental_unique_id BaseIncrementalUniqueKey
persist_docs.test_persist_docs BasePersistDocs BasePersistDocsColumnMissing
query_comment.test_query_comment BaseQueryComments BaseMacroQueryComments BaseNullQueryComments
query_comment.test_query_comment BaseMacroArgsQueryComments BaseEmptyQueryComments
relations.test_dropping_schema_named BaseDropSchemaNamed
sample_mode.test_sample_mode BaseSampleModeTest
simple_copy.test_simple_copy SimpleCopyBase EmptyModelsArentRunBase
simple_seed.test_seed BaseSimpleSeedEnabledViaConfig BaseSeedSpecificFormats BaseTestEmptySeed
simple_snapshot.new_record_check_mode BaseSnapshotNewRecordCheckMode
simple_snapshot.new_record_dbt_valid_to_current BaseSnapshotNewRecordDbtValidToCurrent
simple_snapshot.new_record_timestamp_mode BaseSnapshotNewRecordTimestampMode
simple_snapshot.test_ephemeral_snapshot_hard_deletes BaseSnapshotEphemeralHardDeletes
simple_snapshot.test_snapshot BaseSimpleSnapshot BaseSnapshotCheck
store_test_failures_tests.test_store_test_failures BaseStoreTestFailuresLimit
unit_testing.test_case_insensitivity BaseUnitTestCaseInsensivity
unit_testing.test_invalid_input BaseUnitTestInvalidInput
unit_testing.test_quoted_reserved_word_column_names BaseUnitTestQuotedReservedWordColumnNames
utils.data_types.test_type_bigint BaseTypeBigInt
utils.data_types.test_type_boolean BaseTypeBoolean
utils.data_types.test_type_float BaseTypeFloat
utils.data_types.test_type_int BaseTypeInt
utils.data_types.test_type_numeric BaseTypeNumeric
utils.data_types.test_type_string BaseTypeString
utils.data_types.test_type_timestamp BaseTypeTimestamp
utils.test_any_value BaseAnyValue
utils.test_bool_or BaseBoolOr
utils.test_cast BaseCast
utils.test_concat BaseConcat
utils.test_current_timestamp BaseCurrentTimestampNaive
utils.test_date BaseDate
utils.test_date_spine BaseDateSpine
utils.test_date_trunc BaseDateTrunc
utils.test_dateadd BaseDateAdd
utils.test_datediff BaseDateDiff
utils.test_equals BaseEquals
utils.test_escape_single_quotes BaseEscapeSingleQuotesBackslash
utils.test_except BaseExcept
utils.test_generate_series BaseGenerateSeries
utils.test_get_intervals_between BaseGetIntervalsBetween
utils.test_get_powers_of_two BaseGetPowersOfTwo
utils.test_hash BaseHash
utils.test_intersect BaseIntersect
utils.test_last_day BaseLastDay
utils.test_length BaseLength
utils.test_listagg BaseListagg
utils.test_null_compare BaseMixedNullCompare BaseNullCompare
utils.test_position BasePosition
utils.test_replace BaseReplace
utils.test_right BaseRight
utils.test_safe_cast BaseSafeCast
utils.test_split_part BaseSplitPart
utils.test_string_literal BaseStringLiteral
utils.test_validate_sql BaseValidateSqlMethod
"""


@pytest.fixture(scope="class")
def dbt_profile_target() -> dict[str, Any]:
    """The profile of every project."""
    return {
        "type": "redshift",
        "host": os.environ["REDSHIFT_TEST_HOST"],
        "port": int(os.environ["REDSHIFT_TEST_PORT"]),
        "dbname": os.environ["REDSHIFT_TEST_DBNAME"],
        "user": os.environ["REDSHIFT_TEST_USER"],
        "pass": os.environ["REDSHIFT_TEST_PASS"],
        "threads": 1,
    }


for _line in _BASES.split("\n"):
    for _name in _line.split()[1:]:
        _base = getattr(import_module(f"dbt.tests.adapter.{_line.split()[0]}"), _name)
        globals()[f"Test{_name}"] = type(f"Test{_name}", (_base,), {"__module__": __name__})

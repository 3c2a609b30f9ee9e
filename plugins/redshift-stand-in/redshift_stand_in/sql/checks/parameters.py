"""SET, SHOW and RESET: the parameters that Redshift has.

Source: "Configuration reference", "SET", "SHOW", "RESET", "SET SESSION AUTHORIZATION" and "SUPER
configurations" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import re

from redshift_stand_in.errors import (
    INVALID_PARAMETER,
    NotInStandIn,
    StatementError,
)
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.words import words

#: PostgreSQL knows them too.
_SHARED = frozenset(
    [
        "application_name",
        "client_encoding",
        "client_min_messages",
        "datestyle",
        "extra_float_digits",
        "search_path",
        "seed",
        "statement_timeout",
        "timezone",
    ]
)
#: Redshift's own: the front keeps them under a prefix.
OWN = frozenset(
    [
        "analyze_threshold_percent",
        "cast_super_null_on_error",
        "datashare_break_glass_session_var",
        "default_geometry_encoding",
        "describe_field_name_in_uppercase",
        "downcase_delimited_identifier",
        "enable_case_sensitive_identifier",
        "enable_case_sensitive_super_attribute",
        "enable_numeric_rounding",
        "enable_result_cache_for_session",
        "enable_vacuum_boost",
        "error_on_nondeterministic_update",
        "interval_forbid_composite_literals",
        "json_parse_dedup_attributes",
        "json_parse_truncate_strings",
        "json_serialization_enable",
        "json_serialization_parse_nested_strings",
        "max_concurrency_scaling_clusters",
        "max_cursor_result_set_size",
        "mv_enable_aqmv_for_session",
        "navigate_super_null_on_error",
        "parse_super_null_on_error",
        "pg_federation_repeatable_read",
        "query_group",
        "spectrum_enable_pseudo_columns",
        "spectrum_query_maxerror",
        "stored_proc_log_min_messages",
        "use_fips_ssl",
        "wlm_query_slot_count",
    ]
)
#: Can be shown, but not set.
_SHOWN = words(
    "all is_superuser server_encoding server_version session_authorization "
    "standard_conforming_strings transaction_isolation default_transaction_isolation "
    "integer_datetimes"
)
#: With another value they change what names, literals and SUPER mean.
_FIXED = {
    "cast_super_null_on_error": "TRUE",
    "downcase_delimited_identifier": "TRUE",
    "enable_case_sensitive_identifier": "FALSE",
    "enable_case_sensitive_super_attribute": "FALSE",
    "json_parse_dedup_attributes": "FALSE",
    "json_parse_truncate_strings": "FALSE",
    "navigate_super_null_on_error": "TRUE",
    "parse_super_null_on_error": "FALSE",
}
#: The others of Redshift's own, with what they may be set to.
_SWITCHES = words(
    "describe_field_name_in_uppercase enable_numeric_rounding enable_result_cache_for_session "
    "enable_vacuum_boost error_on_nondeterministic_update json_serialization_enable "
    "json_serialization_parse_nested_strings mv_enable_aqmv_for_session "
    "pg_federation_repeatable_read spectrum_enable_pseudo_columns"
)
_SWITCH_VALUES = words("ON OFF TRUE FALSE YES NO T F Y N 1 0")
_RANGES = {
    "analyze_threshold_percent": (0, 100),
    "default_geometry_encoding": (1, 2),
    "extra_float_digits": (-15, 2),
    "max_concurrency_scaling_clusters": (0, 10),
    "max_cursor_result_set_size": (0, 14_400_000),
    "wlm_query_slot_count": (1, 50),
}
_VALUES = {
    "spectrum_query_maxerror": re.compile(r"[+-]?\d+"),
    "stored_proc_log_min_messages": re.compile("LOG|INFO|NOTICE|WARNING|EXCEPTION"),
}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_SAME = {"OFF": "FALSE", "ON": "TRUE"}
_SESSION = re.compile(
    r"SET SESSION AUTHORIZATION \S+|SET LOCAL SESSION AUTHORIZATION \S+"
    r"|SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL [A-Z ]+"
    r"|RESET SESSION AUTHORIZATION|SHOW TRANSACTION ISOLATION LEVEL"
)
_SET = re.compile(r"SET (?:SESSION |LOCAL )?\S+(?: \. \S+)? (?:TO|=) .+|SET SEED TO .+")


def check(sql: Sql) -> None:
    """Refuses a parameter that Redshift does not have.

    Raises:
        StatementError: with its name.
    """
    head = sql.norm(0)
    if head not in ("SET", "SHOW", "RESET") or _SESSION.fullmatch(sql.shape):
        return
    index = name_index(sql)
    if index >= len(sql) or (head == "SET" and not _SET.fullmatch(sql.shape)):
        raise sql.unexpected(index)
    name = sql.tokens[index].name if sql.tokens[index].is_name else sql.near(index)
    if sql.norm(index + 1) == ".":  # a session variable, named by whoever sets it
        return
    if sql.shape.endswith(
        "DEFAULT_TRANSACTION_ISOLATION TO DEFAULT"
    ):  # psycopg2, of its own accord
        return
    if name not in _SHARED | OWN and (head == "SET" or name not in _SHOWN):
        raise StatementError(f'unrecognized configuration parameter "{name}"', "42704")
    if head == "SET":
        _check_value(sql, index, name)


def _check_value(sql: Sql, index: int, name: str) -> None:
    value = sql.tokens[-1]
    given = (value.value if value.kind == "string" else sql.rest(index + 2)).upper()
    if given == "DEFAULT":
        return
    if name in _SWITCHES and given not in _SWITCH_VALUES:
        raise StatementError(f'parameter "{name}" requires a Boolean value', INVALID_PARAMETER)
    if name in _VALUES and not _VALUES[name].fullmatch(given):
        raise StatementError(
            f'invalid value for parameter "{name}": "{given.lower()}"', INVALID_PARAMETER
        )
    low, high = _RANGES.get(name, (0, 0))
    if high and not (_NUMBER.fullmatch(given) and low <= float(given) <= high):
        raise StatementError(
            f'{given} is outside the valid range for parameter "{name}" ({low} .. {high})',
            INVALID_PARAMETER,
        )
    if name in _FIXED and _SAME.get(given, given) != _FIXED[name]:
        raise NotInStandIn(f"{name} with another value than its default is")


def name_index(sql: Sql) -> int:
    """Where the parameter's name stands."""
    return 2 if sql.norm(1) in ("SESSION", "LOCAL") else 1

"""The settings of target-redshift; each is an environment variable of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.s3.settings import S3Settings
from tidemark_core.settings import LANDING_NAMES, LEASE_SECONDS, LOCK_SECONDS
from tidemark_core.typed_settings import declared, setting, shared


@dataclass(frozen=True, kw_only=True)
class LoadSettings(WarehouseSettings, S3Settings):
    """How the lake is loaded into the warehouse."""

    landing_names: dict[str, Any] = shared(LANDING_NAMES)
    load_method: Literal["append-only", "upsert", "overwrite"] = setting(
        "append-only: every version of a row is kept; upsert: one row a key; overwrite: the "
        "table holds what this run brings and nothing else.",
        "append-only",
    )
    load_full_tables: Literal["overwrite", "load-method"] = setting(
        "What a full copy (replication-method FULL_TABLE) does to its landing table: overwrite: it "
        "takes the place of the one before; load-method: what LOAD_METHOD says.",
        "overwrite",
    )
    load_format: Literal["csv", "parquet", "auto"] = setting(
        "csv: CSV parts are staged; parquet: COPY reads the lake's files as they are; auto: the "
        "latter where it can.",
        "csv",
    )
    redshift_slices: int = setting(
        "Slices of the warehouse (SELECT count(*) FROM stv_slices); the number of CSV parts is a "
        "multiple of it.",
        2,
        minimum=1,
    )
    redshift_compression: Literal["gzip", "zstd"] = setting("Compression of the CSV parts.", "gzip")
    redshift_too_long: Literal["stop", "null", "truncate"] = setting(
        "What to do with text longer than its column: stop, or load null or a truncated text "
        "(counted; never in a key).",
        "stop",
    )
    redshift_table_options: dict[str, Any] = setting(
        "Physical design of new landing tables, as JSON: {table: {distkey: column, diststyle: "
        "auto|even|all, sortkey: [columns], encode: {column: encoding}}}; '*' is any table.",
        {},
    )
    redshift_allow_empty_overwrite: bool = setting(
        "Whether an overwrite, also one by a full copy, may empty a table when the source gave no "
        "row.",
        False,
    )
    redshift_statement_timeout_seconds: int = setting(
        "Longest time that one statement may take; 0: no limit.", 3600, minimum=0
    )
    redshift_lock_timeout_seconds: int = shared(LOCK_SECONDS)
    redshift_retry_attempts: int = setting(
        "How often a transaction is tried when connections are lost or transactions conflict.",
        5,
        minimum=1,
    )
    s3_batch_prefixes: list[str] = setting(
        "Further folders of the bucket from which other taps' BATCH files may be read, as JSON.",
        [],
    )
    s3_lease_seconds: int = shared(LEASE_SECONDS)


SETTINGS = declared(LoadSettings)

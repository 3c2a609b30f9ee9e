"""The settings of target-redshift; each is an environment variable of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.s3.settings import S3Settings
from tidemark_core.settings import (
    LANDING_NAMES,
    LEASE_SECONDS,
    LOCK_SECONDS,
    STATEMENT_SECONDS,
    SUPER_COLUMNS,
)
from tidemark_core.typed_settings import declared, setting, shared


@dataclass(frozen=True, kw_only=True)
class LoadSettings(WarehouseSettings, S3Settings):
    """How the lake is loaded into the warehouse."""

    landing_names: dict[str, Any] = shared(LANDING_NAMES)
    super_columns: dict[str, Any] = shared(SUPER_COLUMNS)
    load_method: Literal["append-only", "upsert", "overwrite"] = setting(
        "append-only: keep every version of a row; upsert: keep one row per key; overwrite: keep "
        "only what this run loads.",
        "append-only",
    )
    load_full_tables: Literal["overwrite", "load-method"] = setting(
        "What a full copy (replication-method FULL_TABLE) does to its landing table: overwrite: it "
        "replaces the previous copy; load-method: whatever LOAD_METHOD says.",
        "overwrite",
    )
    load_format: Literal["csv", "parquet", "auto"] = setting(
        "csv: stage CSV parts; parquet: COPY the lake's files as they are; auto: parquet where "
        "possible, otherwise csv.",
        "csv",
    )
    redshift_slices: int = setting(
        "Number of slices of the warehouse (SELECT count(*) FROM stv_slices); the number of CSV "
        "parts is a multiple of it.",
        2,
        minimum=1,
    )
    redshift_compression: Literal["gzip", "zstd"] = setting("Compression of the CSV parts.", "gzip")
    redshift_too_long: Literal["stop", "null", "truncate"] = setting(
        "What to do with text longer than its column: stop, or load null or the truncated text "
        "(counted; never in a key).",
        "stop",
    )
    redshift_table_options: dict[str, Any] = setting(
        "Physical design of new landing tables, as JSON: {table: {distkey: column, diststyle: "
        "auto|even|all, sortkey: [columns], encode: {column: encoding}}}; '*' stands for any "
        "table.",
        {},
    )
    redshift_allow_empty_overwrite: bool = setting(
        "Whether an overwrite, including one by a full copy, may empty a table when the source "
        "returned no rows.",
        False,
    )
    redshift_statement_timeout_seconds: int = shared(STATEMENT_SECONDS)
    redshift_lock_timeout_seconds: int = shared(LOCK_SECONDS)
    redshift_retry_attempts: int = setting(
        "Attempts for a transaction when connections are lost or transactions conflict.",
        5,
        minimum=1,
    )
    s3_batch_prefixes: list[str] = setting(
        "Additional folders of the bucket from which other taps' BATCH files may be read, as JSON.",
        [],
    )
    s3_lease_seconds: int = shared(LEASE_SECONDS)


SETTINGS = declared(LoadSettings)

"""The settings of target-redshift; each is an environment variable of the same name."""

from __future__ import annotations

from tidemark_core.redshift.connection import WAREHOUSE_SETTINGS
from tidemark_core.s3.settings import S3_SETTINGS
from tidemark_core.settings import (
    LANDING_NAMES,
    LEASE_SECONDS,
    LOCK_SECONDS,
    Setting,
)

LOAD_SETTINGS = (
    LANDING_NAMES,
    Setting(
        "load_method",
        "append-only: every version of a row is kept; upsert: one row a key; overwrite: the "
        "table holds what this run brings and nothing else.",
        default="append-only",
        choices=("append-only", "upsert", "overwrite"),
    ),
    Setting(
        "load_full_tables",
        "What a full copy (replication-method FULL_TABLE) does to its landing table: overwrite: it "
        "takes the place of the one before; load-method: what LOAD_METHOD says.",
        default="overwrite",
        choices=("overwrite", "load-method"),
    ),
    Setting(
        "load_format",
        "csv: CSV parts are staged; parquet: COPY reads the lake's files as they are; auto: the "
        "latter where it can.",
        default="csv",
        choices=("csv", "parquet", "auto"),
    ),
    Setting(
        "redshift_slices",
        "Slices of the warehouse (SELECT count(*) FROM stv_slices); the number of CSV parts is a "
        "multiple of it.",
        "integer",
        default=2,
        minimum=1,
    ),
    Setting(
        "redshift_compression",
        "Compression of the CSV parts.",
        default="gzip",
        choices=("gzip", "zstd"),
    ),
    Setting(
        "redshift_too_long",
        "What to do with text longer than its column: stop, or load null or a truncated text "
        "(counted; never in a key).",
        default="stop",
        choices=("stop", "null", "truncate"),
    ),
    Setting(
        "redshift_table_options",
        "Physical design of new landing tables, as JSON: {table: {distkey: column, diststyle: "
        "auto|even|all, sortkey: [columns], encode: {column: encoding}}}; '*' is any table.",
        "object",
        default={},
    ),
    Setting(
        "redshift_allow_empty_overwrite",
        "Whether an overwrite, also one by a full copy, may empty a table when the source gave no "
        "row.",
        "boolean",
        default=False,
    ),
    Setting(
        "redshift_statement_timeout_seconds",
        "Longest time that one statement may take; 0: no limit.",
        "integer",
        default=3600,
        minimum=0,
    ),
    LOCK_SECONDS,
    Setting(
        "redshift_retry_attempts",
        "How often a transaction is tried when connections are lost or transactions conflict.",
        "integer",
        default=5,
        minimum=1,
    ),
    Setting(
        "s3_batch_prefixes",
        "Further folders of the bucket from which other taps' BATCH files may be read, as JSON.",
        "array",
        default=[],
    ),
    LEASE_SECONDS,
)

SETTINGS = (*S3_SETTINGS, *WAREHOUSE_SETTINGS, *LOAD_SETTINGS)

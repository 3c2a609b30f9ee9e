"""The settings of target-s3-parquet, declared once."""

from __future__ import annotations

from tidemark_core.settings import LEASE_SECONDS, S3_SETTINGS, Setting

SETTINGS = (
    *S3_SETTINGS,
    Setting(
        "s3_partition_columns",
        'Tables whose files are laid out by the day of a column, {"schema.table": "column"}; all '
        "others by the time of extraction.",
        "object",
        default={},
    ),
    Setting(
        "s3_schema_changes",
        "When a stream's schema changes inside a run: refuse it, or accept it in a manifest of "
        "its own.",
        default="refuse",
        choices=("refuse", "accept"),
    ),
    Setting(
        "s3_file_rows",
        "Rows that a Parquet file made of RECORD messages holds at most.",
        "integer",
        default=500_000,
        minimum=1,
    ),
    Setting(
        "s3_commit_rows",
        "Rows from RECORD messages after which a STATE is committed and passed on.",
        "integer",
        default=500_000,
        minimum=1,
    ),
    Setting(
        "s3_commit_seconds",
        "Seconds after which a STATE is committed and passed on, whatever the number of rows.",
        "integer",
        default=300,
        minimum=0,
    ),
    LEASE_SECONDS,
    Setting("s3_temp_dir", "Folder for files being made; empty: the system's."),
    Setting(
        "validate_records",
        "Check RECORD messages against their whole JSON schema too (slow); types are always "
        "checked.",
        "boolean",
        default=False,
    ),
)

"""The settings of target-s3-parquet, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidemark_core.s3.settings import S3Settings
from tidemark_core.settings import LEASE_SECONDS
from tidemark_core.typed_settings import declared, setting, shared


@dataclass(frozen=True, kw_only=True)
class TargetSettings(S3Settings):
    """How the lake is written."""

    s3_partition_columns: dict[str, str] = setting(
        'Tables to partition by the day of a column, {"schema.table": "column"}; all others are '
        "partitioned by extraction time.",
        {},
    )
    s3_schema_changes: Literal["refuse", "accept"] = setting(
        "What to do when a stream's schema changes during a run: refuse it, or accept it in a "
        "separate manifest.",
        "refuse",
    )
    s3_file_rows: int = setting(
        "Maximum rows in a Parquet file written from RECORD messages.", 500_000, minimum=1
    )
    s3_commit_rows: int = setting(
        "Rows from RECORD messages after which a STATE is committed and forwarded.",
        500_000,
        minimum=1,
    )
    s3_commit_seconds: int = setting(
        "Seconds after which a STATE is committed and forwarded, regardless of the number of rows.",
        300,
        minimum=0,
    )
    s3_lease_seconds: int = shared(LEASE_SECONDS)
    s3_temp_dir: str | None = setting("Folder for files being written; empty: the system's.")
    validate_records: bool = setting(
        "Validate RECORD messages against the whole JSON schema (slow); types are always checked.",
        False,
    )


SETTINGS = declared(TargetSettings)

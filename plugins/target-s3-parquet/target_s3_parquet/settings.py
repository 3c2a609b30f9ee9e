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
        'Tables whose files are laid out by the day of a column, {"schema.table": "column"}; all '
        "others by the time of extraction.",
        {},
    )
    s3_schema_changes: Literal["refuse", "accept"] = setting(
        "When a stream's schema changes inside a run: refuse it, or accept it in a manifest of "
        "its own.",
        "refuse",
    )
    s3_file_rows: int = setting(
        "Rows that a Parquet file made of RECORD messages holds at most.", 500_000, minimum=1
    )
    s3_commit_rows: int = setting(
        "Rows from RECORD messages after which a STATE is committed and passed on.",
        500_000,
        minimum=1,
    )
    s3_commit_seconds: int = setting(
        "Seconds after which a STATE is committed and passed on, whatever the number of rows.",
        300,
        minimum=0,
    )
    s3_lease_seconds: int = shared(LEASE_SECONDS)
    s3_temp_dir: str | None = setting("Folder for files being made; empty: the system's.")
    validate_records: bool = setting(
        "Check RECORD messages against their whole JSON schema too (slow); types are always "
        "checked.",
        False,
    )


SETTINGS = declared(TargetSettings)

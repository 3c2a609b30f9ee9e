"""The settings of tap-s3-parquet, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from tidemark_core.errors import ConfigError
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import declared, setting


@dataclass(frozen=True, kw_only=True)
class TapSettings(S3Settings):
    """What is read of the lake, and how it is handed over."""

    s3_discover: Literal["manifests", "listing"] = setting(
        "What to read: manifests (committed files only), or listing (also files without a "
        "manifest, for lakes written by another tool).",
        "manifests",
    )
    s3_tables: list[str] = setting(
        'Tables to read, as patterns: ["settlement.*"]; empty: all tables of the lake.', []
    )
    s3_start_time: str | None = setting(
        "Skip files extracted before this time (UTC): 2025-08-01 or 2025-08-01T06:00:00."
    )
    s3_output: Literal["batch", "records"] = setting(
        "How rows are passed on: batch (file names, for target-redshift) or records (for any other "
        "target).",
        "batch",
    )
    s3_batch_rows: int = setting(
        "Rows per load: manifests are combined until they contain this many.",
        2_000_000,
        minimum=1,
    )

    def __post_init__(self) -> None:
        """Checks what a type alone does not say.

        Raises:
            ConfigError: S3_START_TIME is not a time.
        """
        _ = self.start_time

    @property
    def start_time(self) -> datetime | None:
        """Files from before it are left out; None for no limit."""
        if self.s3_start_time is None:
            return None
        try:
            moment = datetime.fromisoformat(self.s3_start_time)
        except ValueError as error:
            raise ConfigError(
                f"S3_START_TIME {self.s3_start_time!r} is not a time",
                hint="write it as 2025-08-01T06:00:00",
            ) from error
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


SETTINGS = declared(TapSettings)

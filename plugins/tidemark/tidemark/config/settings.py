"""The settings of the command line and of dbt: the plugins' own, and a few more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from tap_mysql.source.settings import MySQLSettings
from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.s3.settings import S3Settings
from tidemark_core.settings import LEASE_SECONDS
from tidemark_core.typed_settings import declared, setting, shared

from tidemark.config.job_settings import JobSettings

W = TypeVar("W", bound=WarehouseSettings)


@dataclass(frozen=True, kw_only=True)
class WatermarkSettings:
    """Where the state of all pipelines lives."""

    s3_high_watermark_key: str = setting(
        "Key of the watermark file; the state of all pipelines is kept in its folder.",
        "watermark/high_watermark.json",
    )


@dataclass(frozen=True, kw_only=True)
class StateSettings(WatermarkSettings, S3Settings):
    """The same, with the bucket that it is in."""


@dataclass(frozen=True, kw_only=True)
class LeaseSettings:
    """How long a lease outlives its holder."""

    s3_lease_seconds: int = shared(LEASE_SECONDS)


@dataclass(frozen=True, kw_only=True)
class DbtSettings:
    """Who builds the public tables, and how."""

    redshift_dbt_user: str | None = setting("User that dbt logs in as; empty: REDSHIFT_USER.")
    redshift_dbt_password: str | None = setting(
        "Password of that user; empty: REDSHIFT_PASSWORD.", secret=True
    )
    redshift_dbt_threads: int = setting(
        "Number of models that dbt builds in parallel.", 4, minimum=1
    )
    redshift_dbt_whole_build_hours: int = setting(
        "Hours after which a nightly build builds and tests everything, new or not; 0: every time.",
        168,
        minimum=0,
    )
    redshift_schema: str = setting(
        "Schema of the tables and views that people query; for a developer, for example, dev_anna.",
        "public",
    )
    redshift_analysts: str = setting(
        "Who may read the public views, in dbt's notation: user:name, group:name or role:name.",
        "user:tidemark_analyst",
    )

    def login(self, warehouse: W) -> W:
        """The warehouse as dbt's user logs in to it."""
        return replace(
            warehouse,
            redshift_user=self.redshift_dbt_user or warehouse.redshift_user,
            redshift_password=self.redshift_dbt_password or warehouse.redshift_password,
        )


@dataclass(frozen=True, kw_only=True)
class DeletionSettings:
    """What becomes of rows that are deleted in MySQL."""

    hard_delete: bool = setting(
        "For tables that `tidemark add` adds: true: a row that is deleted in MySQL is deleted from "
        "its public table; false: it stays, and deleted_at says when it was deleted.",
        True,
    )


@dataclass(frozen=True, kw_only=True)
class RetentionSettings:
    """How long loaded data is kept."""

    backup_retention_days: int = setting(
        "Days to keep a loaded Parquet file in the lake; 0: forever.", 0, minimum=0
    )
    archive_retention_days: int = setting(
        "Days to keep records of what was removed or changed: archived manifests, run reports and "
        "copies of changed bookmarks; 0: forever.",
        0,
        minimum=0,
    )
    landing_retention_days: int = setting(
        "Days to keep a load in landing after dbt has built it; 0: forever.", 0, minimum=0
    )


@dataclass(frozen=True, kw_only=True)
class MonitorSettings:
    """When the operator is warned, and where metrics go."""

    status_max_age_hours: int = setting(
        "Hours without a finished backup after which `status` warns.", 26, minimum=1
    )
    cloudwatch_namespace: str = setting(
        "CloudWatch namespace for the metrics that `cloudwatch` writes.", "Tidemark"
    )


@dataclass(frozen=True, kw_only=True)
class DocsSettings:
    """Where the documentation site is made."""

    docs_dir: str = setting(
        "Folder for the documentation site, relative to the project.", "output/docs"
    )


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What is logged; meltano.yml and the parts' log configuration read it."""

    log_level: str = setting(
        "Log level: DEBUG, INFO, WARNING or ERROR; with DEBUG, `backup` and `sync` show the log.",
        "INFO",
    )
    debug: str = setting("true: the same as LOG_LEVEL=DEBUG, plus tracebacks.", "false")


@dataclass(frozen=True, kw_only=True)
class ViewSettings:
    """What people are shown."""

    mask_columns: list[str] = setting(
        "Columns that `inspect` shows as ***: a JSON array of patterns, column or table.column; "
        "`--unmask` shows them.",
        ["*email*", "*phone*", "*mobile*", "*address*"],
    )


#: Each declares settings that are read together.
GROUPS = (
    MySQLSettings,
    StateSettings,
    WarehouseSettings,
    DbtSettings,
    DeletionSettings,
    RetentionSettings,
    MonitorSettings,
    DocsSettings,
    LogSettings,
    ViewSettings,
    JobSettings,
)
SETTINGS = tuple(setting for group in GROUPS for setting in declared(group))

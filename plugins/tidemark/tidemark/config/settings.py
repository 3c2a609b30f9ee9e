"""The settings of the command line and of dbt: the plugins' own, and a few more."""

from __future__ import annotations

from tap_mysql.source.settings import MYSQL_SETTINGS
from tidemark_core.redshift.settings import WAREHOUSE_SETTINGS
from tidemark_core.s3.settings import S3_SETTINGS
from tidemark_core.settings import Setting, bastion_settings

from tidemark.config.job_settings import JOB_SETTINGS
from tidemark.config.tables.deleted_rows import HARD_DELETE

HIGH_WATERMARK_KEY = Setting(
    "s3_high_watermark_key",
    "Key of the watermark file; the state of all pipelines lives in its folder.",
    default="watermark/high_watermark.json",
)

DBT_SETTINGS = (
    Setting("redshift_dbt_user", "User that dbt logs in as; empty: REDSHIFT_USER."),
    Setting("redshift_dbt_password", "Its password; empty: REDSHIFT_PASSWORD.", secret=True),
    Setting("redshift_dbt_threads", "Models that dbt builds at once.", "integer", 4, minimum=1),
    Setting(
        "redshift_dbt_whole_build_hours",
        "Hours after which a nightly build builds and tests everything, new or not; 0: each time.",
        "integer",
        default=168,
        minimum=0,
    ),
    Setting(
        "redshift_schema",
        "Schema of the tables and views that people query; a developer's own: dev_anna.",
        default="public",
    ),
    Setting(
        "redshift_analysts",
        "Who may read the public views, as dbt names them: user:name, group:name or role:name.",
        default="user:tidemark_analyst",
    ),
)

RETENTION_SETTINGS = (
    Setting(
        "backup_retention_days",
        "Days that a loaded Parquet file stays in the lake; 0: for good.",
        "integer",
        default=0,
        minimum=0,
    ),
    Setting(
        "archive_retention_days",
        "Days that is remembered what is gone: archived manifests, run reports and copies of "
        "changed bookmarks; 0: for good.",
        "integer",
        default=0,
        minimum=0,
    ),
    Setting(
        "landing_retention_days",
        "Days that a load which dbt has built stays in landing; 0: for good.",
        "integer",
        default=0,
        minimum=0,
    ),
)

MONITOR_SETTINGS = (
    Setting(
        "status_max_age_hours",
        "Hours without a finished backup after which `status` warns.",
        "integer",
        default=26,
        minimum=1,
    ),
    Setting(
        "cloudwatch_namespace",
        "CloudWatch namespace that `cloudwatch` writes the runs' metrics into.",
        default="Tidemark",
    ),
)

DOCS_SETTINGS = (
    Setting(
        "docs_dir",
        "Folder of the documentation site, below the project.",
        default="output/docs",
    ),
)

LOG_SETTINGS = (
    Setting(
        "log_level",
        "What is logged: DEBUG, INFO, WARNING or ERROR; with DEBUG `backup` and `sync` show it.",
        default="INFO",
    ),
    Setting("debug", "true: the same as LOG_LEVEL=DEBUG, and tracebacks.", default="false"),
)

VIEW_SETTINGS = (
    Setting(
        "mask_columns",
        "Columns that `inspect` shows as ***, a JSON array of patterns of column or table.column; "
        "`--unmask` shows them.",
        "array",
        default=["*email*", "*phone*", "*mobile*", "*address*"],
    ),
)

MYSQL = (*MYSQL_SETTINGS, *bastion_settings("ssh_bastion", "MySQL"))
STATE = (*S3_SETTINGS, HIGH_WATERMARK_KEY)
SETTINGS = (
    *MYSQL,
    *STATE,
    *WAREHOUSE_SETTINGS,
    *DBT_SETTINGS,
    HARD_DELETE,
    *RETENTION_SETTINGS,
    *MONITOR_SETTINGS,
    *DOCS_SETTINGS,
    *LOG_SETTINGS,
    *VIEW_SETTINGS,
    *JOB_SETTINGS,
)

"""The settings of the command line and of dbt: the plugins' own, and a few more."""

from __future__ import annotations

from tidemark_core.settings import MYSQL_SETTINGS, S3_SETTINGS, Setting, bastion_settings
from tidemark_core.warehouse import WAREHOUSE_SETTINGS

HIGH_WATERMARK_KEY = Setting(
    "s3_high_watermark_key",
    "Key of the watermark file; the state of all pipelines lives in its folder.",
    default="watermark/high_watermark.json",
)

DBT_SETTINGS = (
    Setting("redshift_dbt_user", "User that dbt logs in as; empty: REDSHIFT_USER."),
    Setting("redshift_dbt_password", "Its password; empty: REDSHIFT_PASSWORD.", secret=True),
)

SETTINGS = (
    *MYSQL_SETTINGS,
    *bastion_settings("ssh_bastion", "MySQL"),
    *S3_SETTINGS,
    HIGH_WATERMARK_KEY,
    *WAREHOUSE_SETTINGS,
    *DBT_SETTINGS,
)

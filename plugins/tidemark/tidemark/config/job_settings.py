"""Settings of unattended runs."""

from __future__ import annotations

from tidemark_core.settings import Setting

JOB_SETTINGS = (
    Setting(
        "alert_command",
        "Command that run-job gives an alert to, as JSON on standard input; split at blanks.",
    ),
    Setting(
        "alert_webhook_url",
        "URL that run-job posts an alert to, as JSON with a text, as Slack and Teams read it.",
        secret=True,
    ),
    Setting(
        "alert_repeat_hours",
        "Hours after which a failure that lasts is alerted again.",
        "integer",
        default=24,
        minimum=1,
    ),
    Setting("log_dir", "Folder of run-job's logs, below the project.", default="logs"),
    Setting(
        "log_retention_days",
        "Days that run-job keeps the logs of its runs.",
        "integer",
        default=30,
        minimum=1,
    ),
)

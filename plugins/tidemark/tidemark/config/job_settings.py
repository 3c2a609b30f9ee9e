"""Settings of unattended runs."""

from __future__ import annotations

from dataclasses import dataclass

from tidemark_core.typed_settings import setting


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """Who is alerted of a run that failed, and where its log lies."""

    alert_command: str | None = setting(
        "Command that run-job gives an alert to, as JSON on standard input; split at blanks."
    )
    alert_webhook_url: str | None = setting(
        "URL that run-job posts an alert to, as JSON with a text, as Slack and Teams read it.",
        secret=True,
    )
    alert_repeat_hours: int = setting(
        "Hours after which a failure that lasts is alerted again.", 24, minimum=1
    )
    log_dir: str = setting("Folder of run-job's logs, below the project.", "logs")
    log_retention_days: int = setting(
        "Days that run-job keeps the logs of its runs.", 30, minimum=1
    )

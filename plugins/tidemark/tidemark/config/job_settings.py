"""Settings of unattended runs."""

from __future__ import annotations

from dataclasses import dataclass

from tidemark_core.typed_settings import setting


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """Who is alerted of a run that failed, and where its log lies."""

    alert_command: str | None = setting(
        "Command that run-job runs for an alert, with the alert as JSON on standard input; split "
        "at spaces."
    )
    alert_webhook_url: str | None = setting(
        "URL to which run-job posts an alert, as JSON with a `text` that Slack and Teams "
        "understand.",
        secret=True,
    )
    alert_repeat_hours: int = setting(
        "Hours after which an ongoing failure is alerted again.", 24, minimum=1
    )
    log_dir: str = setting("Folder for run-job's logs, relative to the project.", "logs")
    log_retention_days: int = setting("Days to keep run-job's logs.", 30, minimum=1)

"""The settings of tap-s3-parquet, declared once."""

from __future__ import annotations

from tidemark_core.settings import S3_SETTINGS, Setting

SETTINGS = (
    *S3_SETTINGS,
    Setting(
        "s3_discover",
        "What is read: manifests (committed files only), or listing (files of a lake that has no "
        "manifests too).",
        default="manifests",
        choices=("manifests", "listing"),
    ),
    Setting(
        "s3_tables",
        'Tables to read, as patterns: ["settlement.*"]; empty: every table of the lake.',
        "array",
        default=[],
    ),
    Setting(
        "s3_start_time",
        "Files extracted before this time (UTC) are left out: 2025-08-01 or 2025-08-01T06:00:00.",
    ),
    Setting(
        "s3_output",
        "How rows are handed over: batch (files are named, for target-redshift) or records (for "
        "any other target).",
        default="batch",
        choices=("batch", "records"),
    ),
    Setting(
        "s3_batch_rows",
        "Rows of one load: manifests are put together until they hold this many.",
        "integer",
        default=2_000_000,
        minimum=1,
    ),
)

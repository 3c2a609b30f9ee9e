"""The COPY statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from target_redshift.warehouse.sql.quoting import listed, literal


def by_role(role: str) -> str:
    """COPY's right to read: an ARN, several chained by commas, or ``default``."""
    return f"IAM_ROLE {'default' if role == 'default' else literal(role)}"


def by_keys(access_key: str, secret_key: str, token: str) -> str:
    """The same by temporary keys."""
    return (
        f"ACCESS_KEY_ID {literal(access_key)} SECRET_ACCESS_KEY {literal(secret_key)} "
        f"SESSION_TOKEN {literal(token)}"
    )


@dataclass(frozen=True)
class CopyOptions:
    """How COPY reads its files.

    Attributes:
        authorization: From `by_role` or `by_keys`.
        region: Region of the bucket.
        compression: ``gzip`` or ``zstd``; None for Parquet.
        null_text: The unquoted field that stands for NULL.
    """

    authorization: str = field(repr=False)
    region: str
    compression: str | None = "gzip"
    null_text: str = ""


def copy(target: str, columns: Sequence[str], manifest: str, options: CopyOptions) -> str:
    """COPY of a manifest.

    Args:
        target: Quoted name of the table.
        columns: Its columns, in the order of the files' fields.
        manifest: URL of the COPY manifest.
        options: How to read the files.
    """
    head = f"COPY {target} ({listed(columns)}) FROM {literal(manifest)} {options.authorization}"
    if options.compression is None:
        return f"{head} FORMAT AS PARQUET MANIFEST STATUPDATE OFF"
    return (
        f"{head} REGION AS {literal(options.region)} MANIFEST CSV {options.compression.upper()} "
        f"NULL AS {literal(options.null_text)} TIMEFORMAT AS 'auto' "
        "MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF"
    )


COPIED_ROWS = "SELECT pg_last_copy_count()"

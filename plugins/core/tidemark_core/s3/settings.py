"""The settings of the lake's bucket, declared once for all who read or write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidemark_core.settings import S3_REGION
from tidemark_core.typed_settings import declared, setting, shared


@dataclass(frozen=True, kw_only=True)
class S3Settings:
    """Where the lake is, and how its bucket is reached."""

    s3_bucket_name: str = setting("Bucket of the lake.", required=True)
    s3_access_key: str | None = setting(
        "Access key; empty: the default credential chain.", secret=True
    )
    s3_secret_key: str | None = setting(
        "Secret key; empty: the default credential chain.", secret=True
    )
    s3_region: str = shared(S3_REGION)
    s3_endpoint_url: str | None = setting("Endpoint of an S3-compatible server; empty: AWS.")
    s3_incremental_path: str = setting("Folder of the lake's data files.", "incremental/")
    s3_expected_bucket_owner: str | None = setting(
        "Account ID that must own the bucket; otherwise requests are refused."
    )
    s3_server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = setting(
        "Encryption requested for every object written; empty: the bucket's default."
    )
    s3_kms_key_id: str | None = setting(
        "ARN of the KMS key; empty: the account's default key for S3."
    )


S3_SETTINGS = declared(S3Settings)

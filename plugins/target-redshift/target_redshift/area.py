"""The staging area of the lake: COPY manifests, and what is removed again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tidemark_core.s3 import explained, list_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def put_copy_manifest(
    client: S3Client, bucket: str, prefix: str, entries: Sequence[tuple[str, int]]
) -> str:
    """Writes COPY's manifest: every entry mandatory, with its length.

    https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html

    Returns:
        Its URL.
    """
    document = {
        "entries": [
            {
                "url": f"s3://{bucket}/{key}",
                "mandatory": True,
                "meta": {"content_length": size},
            }
            for key, size in entries
        ]
    }
    key = f"{prefix}copy.manifest"
    with explained(f"writing s3://{bucket}/{key}"):
        client.put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())
    return f"s3://{bucket}/{key}"


def remove_staging(client: S3Client, bucket: str, prefix: str) -> int:
    """Removes a staging folder.

    Returns:
        Number of objects removed.

    Raises:
        LakeError: S3 refused.
    """
    keys = [found["Key"] for found in list_keys(client, bucket, prefix)]
    for start in range(0, len(keys), 1000):
        page = keys[start : start + 1000]
        with explained(f"removing s3://{bucket}/{prefix}"):
            client.delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key} for key in page], "Quiet": True}
            )
    return len(keys)

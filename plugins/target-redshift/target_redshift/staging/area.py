"""The staging area of the lake: COPY manifests, and the removal of what was staged."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from tidemark_core.lake.layout import LakeLayout
from tidemark_core.names import TableName
from tidemark_core.s3.errors import explained
from tidemark_core.s3.lease import Lease
from tidemark_core.s3.objects import delete_all, list_keys

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
    delete_all(client, bucket, keys, f"removing s3://{bucket}/{prefix}")
    return len(keys)


def remove_abandoned(
    client: S3Client, bucket: str, layout: LakeLayout, ours: Collection[TableName]
) -> dict[TableName, int]:
    """Removes what loads that have died had staged, also of tables with nothing to load now.

    A load holds its table's lease for as long as it has anything staged. The listing comes first:
    a process that takes a lease later stages under a new load id, which is not in the list.

    Args:
        client: S3 client.
        bucket: The lake's bucket.
        layout: Where staging and leases are.
        ours: Tables whose lease is our own, with their loads done.

    Returns:
        Number of objects removed, by table.

    Raises:
        LakeError: S3 refused.
    """
    staged = defaultdict[TableName, list[str]](list)
    for found in list_keys(client, bucket, layout.staging_root):
        if table := layout.staged_table(found["Key"]):
            staged[table].append(found["Key"])
    removed = {}
    for table, keys in staged.items():
        if table in ours or Lease.is_free(client, bucket, layout.lease_key(table, "warehouse")):
            delete_all(client, bucket, keys, f"removing s3://{bucket}/{keys[0]}", table=table)
            removed[table] = len(keys)
    return removed

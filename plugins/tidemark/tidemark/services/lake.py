"""Reads what the lake has committed."""

from __future__ import annotations

from collections import defaultdict

from tidemark_core.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.s3 import S3Location, explained, list_keys


def read_manifests(location: S3Location) -> dict[TableName, list[Manifest]]:
    """All manifests of the lake, by table, oldest first.

    Raises:
        LakeError: The bucket cannot be read, or holds something that is not a manifest.
    """
    client, layout = location.client(), location.layout
    found: dict[TableName, list[Manifest]] = defaultdict(list)
    for entry in list_keys(client, location.bucket, layout.manifests_root):
        key = entry["Key"]
        with explained(f"reading s3://{location.bucket}/{key}"):
            body = client.get_object(Bucket=location.bucket, Key=key)["Body"].read()
        manifest = Manifest.from_json(body, key=key, layout=layout)
        found[manifest.table].append(manifest)
    for manifests in found.values():
        manifests.sort(key=lambda manifest: (manifest.extracted_at, manifest.run_id, manifest.part))
    return dict(found)

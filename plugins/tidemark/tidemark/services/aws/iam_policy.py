"""The IAM policies of orchestrate/iam, for this bucket and these folders. Pure."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from tidemark_core.lake.layout import LakeLayout


class Role(StrEnum):
    """Whose policy."""

    EXTRACTOR = "extractor"
    LOADER = "loader"
    MAINTAINER = "maintainer"
    REDSHIFT_COPY = "redshift-copy"
    REDSHIFT_COPY_PARQUET = "redshift-copy-parquet"


_BUCKET = "BUCKET"
_FOLDERS = ("manifests/", "archive/", "staging/", "leases/", "runs/", "docs/")


def render(template: str, bucket: str, layout: LakeLayout, state_folder: str) -> str:
    """Puts the bucket and the lake's folders into a policy.

    Args:
        template: A policy document with ``BUCKET`` and the default folders.
        bucket: The lake's bucket.
        layout: The lake.
        state_folder: Folder of the pipelines' states, with a trailing slash.
    """
    folders = {name: layout.root + name for name in _FOLDERS}
    folders |= {"incremental/": layout.incremental, "watermark/": state_folder}

    def place(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: place(item) for key, item in value.items()}
        if isinstance(value, list):
            return [place(item) for item in value]
        return _place(value, bucket, folders) if isinstance(value, str) else value

    return json.dumps(place(json.loads(template)), indent=2)


def _place(text: str, bucket: str, folders: dict[str, str]) -> str:
    head, arn, rest = text.partition(f"arn:aws:s3:::{_BUCKET}")
    if arn:
        name, slash, path = rest.partition("/")
        return f"{head}arn:aws:s3:::{bucket}{name}{slash}{_folder(path, folders)}"
    return _folder(text, folders)


def _folder(path: str, folders: dict[str, str]) -> str:
    for name, real in folders.items():
        if path.startswith(name):
            return real + path.removeprefix(name)
    return path

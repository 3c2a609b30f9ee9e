"""Reads what the lake holds: its manifests, its archive, its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from tidemark_core.errors import LakeError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.errors import explained
from tidemark_core.s3.objects import list_keys, read_document

from tidemark.services.lake.file_status import LakeObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READERS = 12


def read_manifests(
    location: S3Location,
    tables: Iterable[TableName] = (),
    *,
    client: S3Client | None = None,
    broken: list[LakeError] | None = None,
) -> dict[TableName, list[Manifest]]:
    """The manifests of the lake, by table, oldest first.

    Args:
        location: The lake.
        tables: Only of these; empty: of all.
        client: One that exists already.
        broken: Gets what is not a manifest, which is then passed over; None: it is an error.

    Raises:
        LakeError: The bucket cannot be read, or holds something that is not a manifest.
    """
    layout = location.layout
    prefixes = [layout.manifests_prefix(table) for table in tables] or [layout.manifests_root]
    return _read(location, client or location.client(), prefixes, layout.manifests_root, broken)


def list_tables(location: S3Location, *, client: S3Client) -> list[TableName]:
    """The tables that have manifests, by name; none of them is read."""
    layout, found = location.layout, set()
    for entry in _entries(location, client, layout.manifests_root):
        with suppress(LakeError):  # something that is not a manifest
            found.add(layout.parse_manifest_key(entry["Key"]).table)
    return sorted(found)


def read_archive(
    location: S3Location,
    tables: Iterable[TableName] = (),
    *,
    client: S3Client | None = None,
    broken: list[LakeError] | None = None,
) -> dict[TableName, list[Manifest]]:
    """What manifests said of files that are gone, by table, oldest first; as `read_manifests`."""
    layout = location.layout
    roots = layout.manifests_root, layout.archive_root
    prefixes = [
        roots[1] + layout.manifests_prefix(table).removeprefix(roots[0]) for table in tables
    ]
    return _read(location, client or location.client(), prefixes or [roots[1]], roots[1], broken)


def _read(
    location: S3Location,
    client: S3Client,
    prefixes: list[str],
    root: str,
    broken: list[LakeError] | None,
) -> dict[TableName, list[Manifest]]:
    keys = [entry["Key"] for prefix in prefixes for entry in _entries(location, client, prefix)]
    found: dict[TableName, list[Manifest]] = defaultdict(list)
    with ThreadPoolExecutor(_READERS) as pool:
        for read in pool.map(partial(_read_one, location, client, root), keys):
            if isinstance(read, Manifest):
                found[read.table].append(read)
            elif broken is None:
                raise read
            else:
                broken.append(read)
    for manifests in found.values():
        manifests.sort(key=lambda manifest: (manifest.extracted_at, manifest.run_id, manifest.part))
    return dict(found)


def _read_one(location: S3Location, client: S3Client, root: str, key: str) -> Manifest | LakeError:
    """A manifest, or what is wrong with the object of this key."""
    with explained(f"reading s3://{location.bucket}/{key}"):
        answer = client.get_object(Bucket=location.bucket, Key=key)
        try:
            body = read_document(answer, f"manifest {key}")
        except LakeError as error:
            return error
    own = location.layout.manifests_root + key.removeprefix(root)
    try:
        return Manifest.from_json(body, key=own, layout=location.layout)
    except LakeError as error:
        return error
    except RecursionError:
        return LakeError(f"manifest {key} cannot be read: it is nested too deeply")


def _entries(location: S3Location, client: S3Client, prefix: str) -> Iterator[dict[str, str]]:
    for entry in list_keys(client, location.bucket, prefix):
        if not entry["Key"].endswith("/"):  # folders that a console made
            yield {"Key": entry["Key"]}


def list_objects(
    location: S3Location, tables: Iterable[TableName] = (), *, client: S3Client | None = None
) -> tuple[list[LakeObject], list[str]]:
    """The Parquet files below the lake's data folder, and the keys of what else is there.

    Args:
        location: The lake.
        tables: Only of these; empty: of all.
        client: One that exists already.
    """
    layout, foreign = location.layout, []
    found: list[LakeObject] = []
    client = client or location.client()
    for prefix in [layout.data_prefix(table) for table in tables] or [layout.incremental]:
        for entry in list_keys(client, location.bucket, prefix):
            try:
                name = layout.parse_data_key(entry["Key"])
            except LakeError:
                foreign.append(entry["Key"])
                continue
            found.append(
                LakeObject(
                    key=entry["Key"],
                    table=name.table,
                    extracted_at=name.moment,
                    size=entry["Size"],
                    etag=entry["ETag"].strip('"'),
                    modified=entry["LastModified"],
                )
            )
    return found, foreign

"""Removes files from the lake, under the tables' leases, and keeps the manifests true.

The order matters: what a manifest said of a file is archived, then the manifest stops naming the
file, then the file goes. A crash in between leaves an orphan, never a manifest that names a
missing file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError
from tidemark_core.errors import LakeError
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName
from tidemark_core.s3.errors import explained
from tidemark_core.s3.lease import Lease
from tidemark_core.s3.objects import delete_all, read_document

from tidemark.config.project import Project
from tidemark.services.lake.catalogue import Catalogue, read_catalogue
from tidemark.services.lake.file_status import LakeFile, Rules, Selection, Status, select


@dataclass(frozen=True)
class Cleaned:
    """What was removed from one table."""

    table: TableName
    files: int
    freed: int
    manifests: int


def plan(
    project: Project, catalogue: Catalogue, rules: Rules, tables: Iterable[TableName] = ()
) -> Selection:
    """What a cleaning would remove; touches nothing."""
    return select(catalogue.files, rules, now=catalogue.now, tables=tables, layout=project.layout)


def clean(project: Project, selection: Selection, rules: Rules) -> list[Cleaned]:
    """Removes the files of a selection, as far as the rules still allow it.

    Args:
        project: Where we are.
        selection: What was shown to the operator; nothing else is removed.
        rules: The rules that it was made by; applied again under the lease.

    Raises:
        LeaseError: A run is working on the table.
        LakeError: S3 refused; what was removed until then is gone and accounted for.
    """
    tables = sorted({file.table for file in selection.remove})
    return [_clean_table(project, table, selection, rules) for table in tables]


def _clean_table(project: Project, table: TableName, selection: Selection, rules: Rules) -> Cleaned:
    with hold_leases(project, table, "clean"):
        shown = {file.key for file in selection.remove}
        again = plan(project, read_catalogue(project, [table]), rules, [table])
        files = [file for file in again.remove if file.key in shown]
        by_manifest: dict[str, list[LakeFile]] = defaultdict(list)
        for file in files:
            if file.manifest and file.status is not Status.ORPHAN:
                by_manifest[file.manifest].append(file)
        for key, members in by_manifest.items():
            _retire(project, key, {file.key for file in members})
        _delete(project, table, [file.key for file in files])
    return Cleaned(table, len(files), sum(file.size for file in files), len(by_manifest))


def hold_leases(project: Project, table: TableName, what: str) -> ExitStack:
    """Takes both leases of a table, so that neither a backup nor a load runs meanwhile.

    Raises:
        LeaseError: One of them is running; the message says who.
    """
    with ExitStack() as stack:
        for leg in ("lake", "warehouse"):
            key = project.layout.lease_key(table, leg)
            owner = f"tidemark {what}"
            stack.enter_context(Lease.acquire(project.s3, project.bucket, key, owner=owner))
        return stack.pop_all()


def _retire(project: Project, key: str, gone: set[str]) -> None:
    """Archives what a manifest says of some files, and takes them out of it."""
    manifest, etag = _get(project, key)
    if manifest is None:
        return
    archive = project.layout.archive_key(key)
    before, _ = _get(project, archive, named=key)
    retired: dict[str, ManifestFile] = {file.key: file for file in before.files} if before else {}
    retired |= {file.key: file for file in manifest.files if file.key in gone}
    _put(project, archive, replace(manifest, files=tuple(retired.values())))
    left = tuple(file for file in manifest.files if file.key not in gone)
    if left:
        _put(project, key, replace(manifest, files=left), etag=etag)
    else:
        with explained(f"deleting s3://{project.bucket}/{key}"):
            project.s3.delete_object(Bucket=project.bucket, Key=key)


def _get(
    project: Project, key: str, *, named: str | None = None
) -> tuple[Manifest | None, str | None]:
    with explained(f"reading s3://{project.bucket}/{key}"):
        try:
            answer = project.s3.get_object(Bucket=project.bucket, Key=key)
            body = read_document(answer, f"manifest {key}")
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, None
            raise
    return Manifest.from_json(body, key=named or key, layout=project.layout), answer["ETag"]


def _put(project: Project, key: str, manifest: Manifest, *, etag: str | None = None) -> None:
    # Somebody else's change in between, such as a repair by hand, must not be lost.
    condition: dict[str, Any] = {"IfMatch": etag} if etag else {}
    with explained(f"writing s3://{project.bucket}/{key}"):
        project.s3.put_object(
            Bucket=project.bucket,
            Key=key,
            Body=manifest.to_json().encode(),
            ContentType="application/json",
            **condition,
        )


def _delete(project: Project, table: TableName, keys: list[str]) -> None:
    for key in keys:
        # Checked again just before the deletion: nothing but this table's Parquet files.
        if project.layout.parse_data_key(key).table != table:
            raise LakeError(f"{key!r} belongs to another table and was not removed", table=table)
    what = f"deleting files of {table} in s3://{project.bucket}"
    delete_all(project.s3, project.bucket, keys, what, table=table)

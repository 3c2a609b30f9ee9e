"""Files that manifests name and the bucket does not have, or has with another content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from botocore.exceptions import ClientError
from tidemark_core.errors import LakeError
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName
from tidemark_core.s3.errors import explained

from tidemark.config.project import Project
from tidemark.services.lake.file_status import LakeObject
from tidemark.services.lake.listing import list_objects


def lost_files(
    project: Project,
    objects: Iterable[LakeObject],
    manifests: Mapping[TableName, Sequence[Manifest]],
) -> dict[TableName, list[ManifestFile]]:
    """The files that are gone or were written over, by table.

    Args:
        project: Where we are.
        objects: The tables' files, listed before the manifests were read: a file that was committed
            in between is looked at again, and one that a cleaning removed is in no manifest.
        manifests: What was read.

    Raises:
        LakeError: The bucket cannot be read.
    """
    there = {item.key: (item.size, item.etag) for item in objects}
    found: dict[TableName, list[ManifestFile]] = {}
    for table, commits in manifests.items():
        odd = [
            file
            for manifest in commits
            for file in manifest.files
            if there.get(file.key) != (file.size, file.etag) and not _is_there(project, file)
        ]
        if odd:
            found[table] = odd
    return found


def _is_there(project: Project, file: ManifestFile) -> bool:
    with explained(f"reading s3://{project.bucket}/{file.key}"):
        try:
            head = project.s3.head_object(Bucket=project.bucket, Key=file.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
    return (head["ContentLength"], head["ETag"].strip('"')) == (file.size, file.etag)


def refuse_lost(project: Project, table: TableName, manifests: Sequence[Manifest]) -> None:
    """Stops a caller that is about to read the files of some commits.

    Raises:
        LakeError: One of them is gone; which, and what to do.
    """
    objects, _ = list_objects(project.location, [table], client=project.s3)
    lost = lost_files(project, objects, {table: manifests}).get(table, [])
    if lost:
        rows = sum(file.rows for file in lost)
        raise LakeError(
            f"{len(lost)} files of the lake with {rows} rows are missing or overwritten, the first "
            "is "
            f"s3://{project.bucket}/{lost[0].key}",
            table=table,
            hint="restore their versions if the bucket keeps them; otherwise write them off: "
            f"tidemark s3clean clean -t {table} --lost, then read everything again: "
            f"tidemark watermark reset -t {table} and tidemark sync -t {table}",
        )

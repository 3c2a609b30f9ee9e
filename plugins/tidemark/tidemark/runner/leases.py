"""The lease of a whole job, and which leases are held, for people."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from tidemark_core.s3.lease import Lease
from tidemark_core.s3.lease_record import read_record
from tidemark_core.s3.objects import list_keys

from tidemark.config.project import Project
from tidemark.runner.held_lease import holding_job


@dataclass(frozen=True)
class Held:
    """A lease that is held: what it is for, by whom, and since when."""

    lease: str
    holder: str
    since: str


def hold_job(
    project: Project, owner: str, *, follows: bool = False
) -> AbstractContextManager[Lease]:
    """Holds the lease that a job holds from its first leg to its last, dbt included.

    Args:
        project: Where we are.
        owner: Who we are, for the message that others see.
        follows: Whether we are the follower.

    Raises:
        LeaseError: Another job is at work.
        LakeError: S3 refused.
    """
    seconds = project.lease_seconds
    return holding_job(project.location, owner, seconds, follows=follows)


def is_held(project: Project, key: str) -> bool:
    """Whether a process holds a lease now.

    Raises:
        LakeError: S3 refused.
    """
    return not Lease.is_free(project.s3, project.bucket, key)


def held_leases(project: Project) -> list[Held]:
    """The leases that are neither given back nor expired.

    Raises:
        LakeError: The bucket cannot be read.
    """
    root, found = f"{project.layout.root}leases/", []
    for entry in list_keys(project.s3, project.bucket, root):
        record = read_record(project.s3, project.bucket, entry["Key"])
        if record is not None and not record.is_free:
            name = entry["Key"].removeprefix(root).removesuffix(".json")
            found.append(Held(name, str(record.holder), record.since))
    return found

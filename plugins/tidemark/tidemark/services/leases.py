"""The lease of a whole job, and which leases are held, for people."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from tidemark_core.holder import Holder
from tidemark_core.lease import Lease
from tidemark_core.s3 import explained, list_keys
from tidemark_core.settings import LEASE_SECONDS

from tidemark.holding import holding
from tidemark.project import Project


@dataclass(frozen=True)
class Held:
    """A lease that somebody holds: what it is for, who, and since when."""

    lease: str
    holder: str
    since: str


def hold_job(project: Project, owner: str) -> AbstractContextManager[Lease]:
    """Holds the lease that a job holds from its first leg to its last, dbt included.

    Args:
        project: Where we are.
        owner: Who we are, for the message that others see.

    Raises:
        LeaseError: Another job is at work.
    """
    seconds = project.values((LEASE_SECONDS,))[LEASE_SECONDS.name]
    return holding(project.location, project.layout.job_lease_key(), owner, seconds)


def held_leases(project: Project, now: datetime) -> list[Held]:
    """The leases that are neither given back nor expired.

    Args:
        project: Where we are.
        now: The bucket's own time.

    Raises:
        LakeError: The bucket cannot be read.
    """
    root, found = f"{project.layout.root}leases/", []
    for entry in list_keys(project.s3, project.bucket, root):
        with explained(f"reading s3://{project.bucket}/{entry['Key']}"):
            body = project.s3.get_object(Bucket=project.bucket, Key=entry["Key"])["Body"].read()
        held = parse_lease(body, age=(now - entry["LastModified"]).total_seconds())
        if held is not None:
            name = entry["Key"].removeprefix(root).removesuffix(".json")
            found.append(Held(name, held[0], held[1]))
    return found


def parse_lease(body: bytes, *, age: float) -> tuple[str, str] | None:
    """Who holds a lease and since when; None when nobody does, or nobody can tell.

    Args:
        body: The object.
        age: Seconds since it was written.
    """
    try:
        document = json.loads(body)
        holder = Holder.from_dict(document["holder"])
        if document["released"] or age > float(document["ttl"]) or holder.is_gone:
            return None
        return str(holder), str(document["since"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None

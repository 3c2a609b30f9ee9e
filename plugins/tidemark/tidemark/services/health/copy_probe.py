"""Whether the warehouse may read the bucket: a COPY of one row that nobody ever sees."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator

from target_redshift.staging.area import put_copy_manifest
from target_redshift.warehouse.copy_authorization import authorization
from target_redshift.warehouse.sql.copy import COPIED_ROWS, CopyOptions, copy
from target_redshift.warehouse.sql.tables import create_temporary
from tidemark_core.errors import ConfigError
from tidemark_core.names import quote_redshift
from tidemark_core.redshift.connection import connect
from tidemark_core.redshift.errors import QueryError
from tidemark_core.s3.errors import explained

from tidemark.config.project import Project
from tidemark.services.health.checks import Finding, Level

_PART = "COPY role"
_TABLE, _COLUMN = "tidemark_doctor", "n"


def check_copy_role(project: Project) -> Iterator[Finding]:
    """COPYs a file of one row into a temporary table, in a transaction that is rolled back."""
    role = project.warehouse.redshift_iam_role
    try:
        right = authorization(role, project.location)
    except ConfigError as error:
        yield Finding(_PART, Level.ERROR, error.message, error.hint)
        return
    role = role or "the holder of this machine's temporary credentials"
    client, bucket = project.s3, project.bucket
    prefix = f"{project.layout.staging_root}doctor/{uuid.uuid4().hex}/"
    part, body = f"{prefix}part.csv.gz", gzip.compress(b"1\n")
    with explained(f"writing s3://{bucket}/{part}"):
        client.put_object(Bucket=bucket, Key=part, Body=body)
    try:
        manifest = put_copy_manifest(client, bucket, prefix, [(part, len(body))])
        rows = _copied(project, manifest, CopyOptions(right, project.location.region))
        yield _judge(rows, role)
    except QueryError as error:
        text = f"the warehouse cannot read s3://{bucket}/{prefix} as {role}: {error.message}"
        hint = "attach the policy of tidemark iam-policy --role redshift-copy to the cluster"
        yield Finding(_PART, Level.ERROR, text, hint)
    finally:
        with explained(f"deleting s3://{bucket}/{prefix}"):
            for key in (part, f"{prefix}copy.manifest"):
                client.delete_object(Bucket=bucket, Key=key)


def _copied(project: Project, manifest: str, options: CopyOptions) -> int:
    with connect(project.warehouse) as warehouse:
        warehouse.execute("BEGIN")
        try:
            warehouse.execute(create_temporary(_TABLE, [(_COLUMN, "INTEGER")]))
            warehouse.execute(
                copy(quote_redshift(_TABLE), [_COLUMN], manifest, options), what="a COPY"
            )
            ((rows,),) = warehouse.execute(COPIED_ROWS)
        finally:
            warehouse.execute("ROLLBACK")
    return int(rows)


def _judge(rows: int, role: str) -> Finding:
    if rows != 1:
        text = f"COPY read {rows} rows from a file with one row"
        return Finding(_PART, Level.ERROR, text, "check sys_load_error_detail in the warehouse")
    return Finding(_PART, Level.OK, f"COPY reads the bucket as {role}")

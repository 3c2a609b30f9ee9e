"""By what right COPY reads the bucket: a role of the warehouse's, else temporary keys of ours."""

from __future__ import annotations

import boto3
from tidemark_core.errors import ConfigError
from tidemark_core.s3.client import S3Location
from tidemark_core.text.masking import SECRETS

from target_redshift.warehouse.sql.copy import by_keys, by_role


def authorization(iam_role: str | None, s3: S3Location) -> str:
    """Gives COPY's authorization, as SQL.

    Keys that do not expire are never put into a statement: it may be logged on its way, and the
    warehouse keeps it. Temporary ones are requested again each time, as they are renewed.

    Args:
        iam_role: ``REDSHIFT_IAM_ROLE``.
        s3: The lake.

    Raises:
        ConfigError: There is neither a role nor a temporary key.
    """
    if iam_role:
        return by_role(iam_role)
    found = None if s3.access_key else boto3.Session().get_credentials()
    keys = found.get_frozen_credentials() if found else None
    if keys is None or not (keys.access_key and keys.secret_key and keys.token):
        raise ConfigError(
            "REDSHIFT_IAM_ROLE is not set, and there are no temporary credentials for COPY to use "
            "instead; S3_ACCESS_KEY and other long-lived keys are never embedded in SQL",
            hint="put REDSHIFT_IAM_ROLE=arn:aws:iam::… (or default) into .env",
        )
    SECRETS.add([keys.secret_key, keys.token])
    return by_keys(keys.access_key, keys.secret_key, keys.token)

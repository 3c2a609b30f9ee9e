"""How the loader proves who it is: a password, or temporary credentials from AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemark_core.errors import ConfigError, WarehouseError


@dataclass(frozen=True)
class Credentials:
    """A login; its password appears in no representation."""

    user: str
    password: str = field(repr=False)


def credentials(config: Mapping[str, Any]) -> Credentials:
    """Gives the login that the settings ask for.

    Args:
        config: Values of `WarehouseSettings`, and ``s3_region``.

    Raises:
        ConfigError: Something that the chosen way needs is not set.
        WarehouseError: AWS gave no temporary credentials.
    """
    if (config.get("redshift_auth") or "password") == "password":
        for name in ("redshift_user", "redshift_password"):
            if not config.get(name):
                raise ConfigError(
                    f"{name.upper()} is not set",
                    hint=f"put {name.upper()}=… into .env, or set REDSHIFT_AUTH=iam",
                )
        return Credentials(config["redshift_user"], config["redshift_password"])
    return _temporary(config)


def _temporary(config: Mapping[str, Any]) -> Credentials:
    """Asks AWS; by ourselves and not through the driver, because this works in a tunnel too.

    https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
    https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    region = config.get("redshift_region") or config.get("s3_region") or None
    database = config["redshift_database"]
    cluster, workgroup = config.get("redshift_cluster_identifier"), config.get("redshift_workgroup")
    if bool(cluster) == bool(workgroup):
        raise ConfigError(
            "REDSHIFT_AUTH=iam needs one of REDSHIFT_CLUSTER_IDENTIFIER and REDSHIFT_WORKGROUP",
            hint="set the one that the warehouse has",
        )
    try:
        if workgroup:
            serverless = boto3.client("redshift-serverless", region_name=region)
            given = serverless.get_credentials(workgroupName=workgroup, dbName=database)
            return Credentials(given["dbUser"], given["dbPassword"])
        if not config.get("redshift_user"):
            raise ConfigError("REDSHIFT_USER is not set", hint="put REDSHIFT_USER=… into .env")
        provisioned = boto3.client("redshift", region_name=region)
        answer = provisioned.get_cluster_credentials(
            DbUser=config["redshift_user"], DbName=database, ClusterIdentifier=cluster
        )
        return Credentials(answer["DbUser"], answer["DbPassword"])
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise WarehouseError(
            f"AWS gave no temporary credentials for {cluster or workgroup}: {code}",
            hint="compare the role's rights with orchestrate/iam/",
            retryable=code in ("Throttling", "InternalServerException"),
        ) from error
    except BotoCoreError as error:
        raise WarehouseError(
            f"AWS could not be asked for temporary credentials: {error}",
            hint="check the credentials and REDSHIFT_REGION",
            retryable=True,
        ) from error

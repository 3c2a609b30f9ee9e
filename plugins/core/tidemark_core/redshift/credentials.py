"""How the loader proves who it is: a password, or temporary credentials from AWS."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidemark_core.errors import ConfigError, WarehouseError
from tidemark_core.redshift.settings import WarehouseSettings


@dataclass(frozen=True)
class Credentials:
    """A login; its password appears in no representation."""

    user: str
    password: str = field(repr=False)


def credentials(settings: WarehouseSettings) -> Credentials:
    """Gives the login that the settings ask for.

    Args:
        settings: Who logs in, and where.

    Raises:
        ConfigError: Something that the chosen way needs is not set.
        WarehouseError: AWS gave no temporary credentials.
    """
    if settings.redshift_auth == "iam":
        return _temporary(settings)
    user, password = settings.redshift_user, settings.redshift_password
    if user is None or password is None:
        missing = "REDSHIFT_USER" if user is None else "REDSHIFT_PASSWORD"
        raise ConfigError(
            f"{missing} is not set",
            hint=f"put {missing}=… into .env, or set REDSHIFT_AUTH=iam",
        )
    return Credentials(user, password)


def _temporary(settings: WarehouseSettings) -> Credentials:
    """Asks AWS directly and not through the driver, because this works through a tunnel too.

    https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
    https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    region, database = settings.redshift_region, settings.redshift_database
    cluster, workgroup = settings.redshift_cluster_identifier, settings.redshift_workgroup
    if bool(cluster) == bool(workgroup):
        raise ConfigError(
            "REDSHIFT_AUTH=iam needs one of REDSHIFT_CLUSTER_IDENTIFIER and REDSHIFT_WORKGROUP",
            hint="set the one that applies to the warehouse",
        )
    try:
        if workgroup:
            serverless = boto3.client("redshift-serverless", region_name=region)
            given = serverless.get_credentials(workgroupName=workgroup, dbName=database)
            return Credentials(given["dbUser"], given["dbPassword"])
        if settings.redshift_user is None:
            raise ConfigError("REDSHIFT_USER is not set", hint="put REDSHIFT_USER=… into .env")
        provisioned = boto3.client("redshift", region_name=region)
        answer = provisioned.get_cluster_credentials(
            DbUser=settings.redshift_user, DbName=database, ClusterIdentifier=cluster
        )
        return Credentials(answer["DbUser"], answer["DbPassword"])
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise WarehouseError(
            f"AWS returned no temporary credentials for {cluster or workgroup}: {code}",
            hint="compare the role's permissions with orchestrate/iam/",
            retryable=code in ("Throttling", "InternalServerException"),
        ) from error
    except BotoCoreError as error:
        raise WarehouseError(
            f"could not request temporary credentials from AWS: {error}",
            hint="check the credentials and REDSHIFT_REGION",
            retryable=True,
        ) from error

"""The variables that point the project at a sandbox."""

from __future__ import annotations

from tidemark_sandbox.host.ports import HOST
from tidemark_sandbox.settings.accounts import (
    BUCKET,
    IAM_ROLE,
    MYSQL_DATABASE,
    MYSQL_READER,
    MYSQL_READER_PASSWORD,
    REGION,
    S3_ACCESS_KEY,
    S3_SECRET_KEY,
    WAREHOUSE_DATABASE,
    WAREHOUSE_LOADER,
    WAREHOUSE_PASSWORDS,
    WAREHOUSE_TRANSFORMER,
    account_name,
)
from tidemark_sandbox.settings.config import Config


def environment(config: Config) -> dict[str, str]:
    """The variables that point the project at a sandbox, as the project's settings name them."""
    bastion = {
        "SSH_BASTION_HOST": HOST,
        "SSH_BASTION_PORT": str(config.ports.bastion),
        "SSH_BASTION_USER": account_name(),
        "SSH_BASTION_KEY_PATH": str(config.client_key),
        "SSH_BASTION_KNOWN_HOSTS": str(config.known_hosts),
    }
    # What MySQL's usual login requires of a client that is not at the socket itself.
    tls = {
        "DB_SSL_MODE": "verify",
        "DB_SSL_CA": str(config.ca),
        "DB_SSL_SERVER_NAME": "localhost",
    }
    return {
        "DB_HOST": str(config.mysql_socket),
        "DB_PORT": "3306",
        "DB_USER": MYSQL_READER,
        "DB_PASSWORD": MYSQL_READER_PASSWORD,
        "DB_DATABASE": MYSQL_DATABASE,
        **(tls if config.server == "mysql" else {}),
        **bastion,
        "S3_ENDPOINT_URL": config.s3_endpoint,
        "S3_BUCKET_NAME": BUCKET,
        "S3_ACCESS_KEY": S3_ACCESS_KEY,
        "S3_SECRET_KEY": S3_SECRET_KEY,
        "S3_REGION": REGION,
        "REDSHIFT_HOST": str(config.warehouse_socket),
        "REDSHIFT_PORT": "5439",
        "REDSHIFT_DATABASE": WAREHOUSE_DATABASE,
        "REDSHIFT_USER": WAREHOUSE_LOADER,
        "REDSHIFT_PASSWORD": WAREHOUSE_PASSWORDS[WAREHOUSE_LOADER],
        "REDSHIFT_DBT_USER": WAREHOUSE_TRANSFORMER,
        "REDSHIFT_DBT_PASSWORD": WAREHOUSE_PASSWORDS[WAREHOUSE_TRANSFORMER],
        "REDSHIFT_IAM_ROLE": IAM_ROLE,
        "REDSHIFT_SSL_ROOT_CERT": str(config.ca),
        **{f"REDSHIFT_{name}": value for name, value in bastion.items()},
    }

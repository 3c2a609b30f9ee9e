"""Names and passwords, the same in every sandbox, and the account that it runs as."""

from __future__ import annotations

import os
import pwd

from tidemark_sandbox.errors import SandboxError

# Known to everybody: the sandbox listens on 127.0.0.1 only and holds made-up data.
MYSQL_DATABASE = "settlement"
MYSQL_READER = "tidemark_reader"
MYSQL_READER_PASSWORD = "sandbox-reader"  # noqa: S105 - see above
BUCKET = "tidemark-lake"
REGION = "us-east-1"
S3_ACCESS_KEY = "sandbox-access-key"
S3_SECRET_KEY = "sandbox-secret-key"  # noqa: S105 - see above
WAREHOUSE_DATABASE = "analytics"
WAREHOUSE_ADMIN = "awsuser"
WAREHOUSE_LOADER = "tidemark_loader"
WAREHOUSE_TRANSFORMER = "tidemark_transformer"
WAREHOUSE_ANALYST = "tidemark_analyst"
#: With letters of both cases and digits, as Redshift's CREATE USER requires.
WAREHOUSE_PASSWORDS = {
    WAREHOUSE_ADMIN: "Sandbox-admin-1",
    WAREHOUSE_LOADER: "Sandbox-loader-1",
    WAREHOUSE_TRANSFORMER: "Sandbox-transformer-1",
    WAREHOUSE_ANALYST: "Sandbox-analyst-1",
}
#: Stands for the role's ARN in load/redshift/*.sql.
COPY_ROLE_WORD = "COPY_ROLE_ARN"
IAM_ROLE = "arn:aws:iam::000000000000:role/tidemark-sandbox-copy"


def account_name() -> str:
    """The account that we run as; the variables USER and LOGNAME may say something else.

    Raises:
        SandboxError: It has no name, and nobody can log in as it.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise SandboxError(
            f"The user id {os.geteuid()} has no name in /etc/passwd, which ssh needs",
            hint="run as a user that has an account",
        ) from error

"""Where a sandbox lives, its fixed passwords, and the variables that point the project at it."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import BLOCK, DEFAULT_BASE, HOST, Ports

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
#: With letters of both cases and digits, as Redshift's CREATE USER asks.
WAREHOUSE_PASSWORDS = {
    WAREHOUSE_ADMIN: "Sandbox-admin-1",
    WAREHOUSE_LOADER: "Sandbox-loader-1",
    WAREHOUSE_TRANSFORMER: "Sandbox-transformer-1",
    WAREHOUSE_ANALYST: "Sandbox-analyst-1",
}
#: Stands for the role's ARN in load/redshift/*.sql.
COPY_ROLE_WORD = "COPY_ROLE_ARN"
IAM_ROLE = "arn:aws:iam::000000000000:role/tidemark-sandbox-copy"

#: What can be the source: MariaDB of this Debian, or MySQL of Debian unstable.
Server = Literal["mariadb", "mysql"]
DEFAULT_SERVER: Server = "mariadb"

#: The file that makes a folder ours: without it nothing in the folder is ever removed.
MARKER = "sandbox.json"
#: sun_path holds 108 bytes with its NUL (unix(7)).
MAX_SOCKET_PATH = 107
_LONGEST_SOCKET = "postgres/.s.PGSQL.5432.lock"


@dataclass(frozen=True)
class Config:
    """One sandbox.

    Attributes:
        dir: The data folder, absolute.
        base: First port of the block.
        sockets: Folder of the Unix sockets: inside ``dir`` when their paths are short enough.
        postgres: PostgreSQL's folder: inside ``dir`` when the account that it runs as gets there.
        sql: Folder of SQL files that ``up`` runs in the warehouse, or None.
        server: The source database.
    """

    dir: Path
    base: int
    sockets: Path
    postgres: Path
    sql: Path | None = None
    server: Server = DEFAULT_SERVER

    @property
    def ports(self) -> Ports:
        return Ports(self.base)

    @property
    def marker(self) -> Path:
        return self.dir / MARKER

    @property
    def logs(self) -> Path:
        return self.dir / "logs"

    @property
    def run(self) -> Path:
        return self.dir / "run"

    @property
    def ssh(self) -> Path:
        return self.dir / "ssh"

    @property
    def client_key(self) -> Path:
        return self.ssh / "client_key"

    @property
    def known_hosts(self) -> Path:
        return self.ssh / "known_hosts"

    @property
    def tls(self) -> Path:
        return self.dir / "tls"

    @property
    def ca(self) -> Path:
        return self.tls / "ca.pem"

    @property
    def inner(self) -> Path:
        """The sockets that only the bastion leads to; nobody else may enter this folder."""
        return self.sockets / "inner"

    @property
    def mysql_socket(self) -> Path:
        return self.inner / "mysql.sock"

    @property
    def warehouse_socket(self) -> Path:
        return self.inner / "warehouse.sock"

    @property
    def postgres_sockets(self) -> Path:
        return self.sockets / "postgres"

    @property
    def s3_endpoint(self) -> str:
        return f"http://{HOST}:{self.ports.s3}"


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


def project_root(start: Path, environ: Mapping[str, str]) -> Path | None:
    """The Meltano project that a folder is in: the nearest one with a meltano.yml."""
    if environ.get("MELTANO_PROJECT_ROOT"):
        return Path(environ["MELTANO_PROJECT_ROOT"]).resolve()
    for folder in (start, *start.parents):
        if (folder / "meltano.yml").is_file():
            return folder
    return None


def open_to_others(folder: Path) -> bool:
    """Whether another account can pass through the folders above ``folder``, as they are now."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.parents if parent.exists())


def _places(folder: Path, *, as_root: bool) -> tuple[Path, Path]:
    """The folders of the sockets and of PostgreSQL, inside the data folder where they can be."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    name = f"tidemark-sandbox-{os.getuid()}-{digest}"
    reachable = not as_root or open_to_others(folder)
    sockets, postgres = folder / "sockets", folder / "postgres"
    if not reachable or len(os.fsencode(sockets / _LONGEST_SOCKET)) > MAX_SOCKET_PATH:
        sockets = Path(tempfile.gettempdir()) / name
    if not reachable:
        postgres = Path("/var/lib/postgresql") / name
    return sockets, postgres


def remembered(folder: Path) -> dict[str, object]:
    """What the marker of a folder says; empty when there is none.

    Raises:
        SandboxError: It is not what we write.
    """
    marker = folder / MARKER
    try:
        found = json.loads(marker.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"{marker} cannot be read: {error}", hint=f"rm {marker}, then run up again"
        ) from error
    return found if isinstance(found, dict) else {}


def resolve(
    folder: Path | None = None,
    base: int | None = None,
    server: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Config:
    """Finds out which sandbox is meant.

    Args:
        folder: Data folder; else SANDBOX_DIR, else ``.sandbox`` in the project or here.
        base: First port; else SANDBOX_PORT, else the one the folder was started with.
        server: The source; else SANDBOX_SERVER, else the one the folder was started with, else
            MariaDB.
        environ: Variables; default: the process's own.
        cwd: Where "here" is.

    Raises:
        SandboxError: A port is not a number or the block does not fit below 65536, or there is no
            such server.
    """
    environ = os.environ if environ is None else environ
    here = Path.cwd() if cwd is None else cwd
    root = project_root(here, environ)
    if folder is None:
        folder = Path(environ.get("SANDBOX_DIR") or (root or here) / ".sandbox")
    folder = (here / folder.expanduser()).resolve()
    known = remembered(folder)
    wanted = base or environ.get("SANDBOX_PORT") or known.get("port") or DEFAULT_BASE
    try:
        port = int(str(wanted))
    except ValueError:
        port = 0
    if not 1024 <= port <= 65536 - BLOCK:
        raise SandboxError(
            f"{wanted!r} cannot be the first of a block of {BLOCK} ports",
            hint=f"export SANDBOX_PORT={DEFAULT_BASE}",
        )
    source = server or environ.get("SANDBOX_SERVER") or known.get("server") or DEFAULT_SERVER
    if source not in get_args(Server):
        raise SandboxError(
            f"{source!r} is not a server of the sandbox",
            hint=f"--server {'|'.join(get_args(Server))}",
        )
    sockets, postgres = _places(folder, as_root=os.geteuid() == 0)
    sql = environ.get("SANDBOX_WAREHOUSE_SQL")
    default_sql = root / "load" / "redshift" if root else None
    return Config(
        dir=folder,
        base=port,
        sockets=Path(str(known.get("sockets") or sockets)),
        postgres=Path(str(known.get("postgres") or postgres)),
        sql=(here / sql).resolve() if sql else default_sql,
        server=cast("Server", source),
    )


def remember(config: Config) -> None:
    """Writes the marker: the folder is a sandbox, with this port, server and these sockets."""
    places = {
        "server": config.server,
        "sockets": str(config.sockets),
        "postgres": str(config.postgres),
    }
    temporary = config.marker.with_suffix(".tmp")
    temporary.write_text(json.dumps({"port": config.base, **places}, indent=2) + "\n")
    temporary.replace(config.marker)


def environment(config: Config) -> dict[str, str]:
    """The variables that point the project at a sandbox, as the project's settings name them."""
    bastion = {
        "SSH_BASTION_HOST": HOST,
        "SSH_BASTION_PORT": str(config.ports.bastion),
        "SSH_BASTION_USER": account_name(),
        "SSH_BASTION_KEY_PATH": str(config.client_key),
        "SSH_BASTION_KNOWN_HOSTS": str(config.known_hosts),
    }
    # What MySQL's usual login asks of a client that does not sit at the socket itself.
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

"""Where a sandbox lives, at which ports, and with which source."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import BLOCK, DEFAULT_BASE, HOST, Ports

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
        postgres: PostgreSQL's folder: inside ``dir`` when its account can reach that.
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
        SandboxError: It cannot be read, or is not JSON.
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

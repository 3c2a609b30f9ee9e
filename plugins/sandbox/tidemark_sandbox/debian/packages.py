"""The Debian packages that the parts are made of, and what to say when one is missing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache

from redshift_stand_in.postgres.cluster import PROGRAMS

from tidemark_sandbox.errors import MissingPackagesError

_FOLDERS = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{PROGRAMS}"


@dataclass(frozen=True)
class Package:
    """A Debian package, the programs that we take from it, and what for."""

    name: str
    programs: tuple[str, ...]
    why: str


#: The -core packages hold MariaDB's programs without the service that mariadb-server starts.
PACKAGES = (
    Package("mariadb-server-core", ("mariadbd", "mariadb-install-db"), "the MySQL database"),
    Package("mariadb-client-core", ("mariadb",), "sql mysql"),
    Package("openssh-server", ("sshd",), "the bastion"),
    Package("openssh-client", ("ssh", "ssh-keygen"), "the connection through the bastion"),
    Package("postgresql-15", ("initdb", "postgres"), "the engine behind the Redshift stand-in"),
    Package("postgresql-client-15", ("psql",), "sql redshift"),
)
#: Required only by `up --server mysql`, and only until it has been used once.
DEBOOTSTRAP = Package("debootstrap", ("debootstrap",), "up --server mysql")


@cache
def find(program: str) -> str | None:
    """The path of a program, also in the folders where Debian puts servers."""
    if program in ("initdb", "postgres"):  # another version's may be on PATH
        path = PROGRAMS / program
        return str(path) if path.exists() else None
    return shutil.which(program, path=_FOLDERS) or shutil.which(program)


def missing(*more: Package) -> list[Package]:
    """The packages, those of every sandbox and ``more``, that lack a program here."""
    return [package for package in (*PACKAGES, *more) if not all(map(find, package.programs))]


def program(name: str) -> str:
    """The path of a program that must be here.

    Raises:
        MissingPackagesError: It is not; says which package, what for, and how to get it.
    """
    found = find(name)
    if found is None:
        require(DEBOOTSTRAP) if name in DEBOOTSTRAP.programs else require()
        raise MissingPackagesError(f"{name} is not installed", hint="make setup")
    return found


def require(*more: Package) -> None:
    """Checks that everything is installed.

    Args:
        more: Packages that not every sandbox needs.

    Raises:
        MissingPackagesError: Something is not; lists every package, what for, and how to get it.
    """
    lacking = missing(*more)
    if lacking:
        lines = "\n".join(f"  {package.name:22} {package.why}" for package in lacking)
        names = " ".join(package.name for package in lacking)
        raise MissingPackagesError(
            f"The sandbox needs Debian packages that are not installed:\n{lines}",
            hint=f"make setup   (or: sudo apt-get install --no-install-recommends {names})",
        )

"""The databases' own clients, led through the bastion as a person would."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.debian.packages import program
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import HOST
from tidemark_sandbox.settings import accounts
from tidemark_sandbox.settings.accounts import account_name
from tidemark_sandbox.settings.config import Config


class Database(StrEnum):
    """The two ends of the pipeline."""

    MYSQL = "mysql"
    REDSHIFT = "redshift"


@dataclass(frozen=True)
class Client:
    """A command line and the variables that it needs, its secrets among them."""

    command: list[str]
    env: dict[str, str]


def target(config: Config, database: Database) -> Path:
    """The socket behind the bastion."""
    return config.mysql_socket if database is Database.MYSQL else config.warehouse_socket


def usual_port(config: Config, database: Database) -> int:
    """The local port that ``forward`` takes unless told otherwise."""
    ports = config.ports
    return ports.forward_mysql if database is Database.MYSQL else ports.forward_redshift


def mysql_client(config: Config, port: int, user: str | None, sql: str | None) -> Client:
    """MariaDB's client, TLS verified; by default as root, the account that started it."""
    passwords = {
        "root": (account_name(), ""),
        "reader": (accounts.MYSQL_READER, accounts.MYSQL_READER_PASSWORD),
        accounts.MYSQL_READER: (accounts.MYSQL_READER, accounts.MYSQL_READER_PASSWORD),
    }
    name, password = _account(passwords, user or "root")
    command = [
        program("mariadb"),
        "--no-defaults",
        f"--host={HOST}",
        f"--port={port}",
        f"--user={name}",
        f"--database={accounts.MYSQL_DATABASE}",
        "--default-character-set=utf8mb4",
        f"--ssl-ca={config.ca}",
        "--ssl-verify-server-cert",
    ]
    return Client(command + ([f"--execute={sql}"] if sql else []), {"MYSQL_PWD": password})


def redshift_client(config: Config, port: int, user: str | None, sql: str | None) -> Client:
    """Client psql, TLS verified; as the administrator by default."""
    passwords = {name: (name, word) for name, word in accounts.WAREHOUSE_PASSWORDS.items()}
    short = {name.removeprefix("tidemark_"): pair for name, pair in passwords.items()}
    short["admin"] = passwords[accounts.WAREHOUSE_ADMIN]
    name, password = _account({**passwords, **short}, user or accounts.WAREHOUSE_ADMIN)
    env = {
        "PGPASSWORD": password,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(config.ca),
        "PGCLIENTENCODING": "UTF8",
    }
    command = [
        program("psql"),
        "--no-psqlrc",
        "--set=ON_ERROR_STOP=1",
        f"--host={HOST}",
        f"--port={port}",
        f"--username={name}",
        f"--dbname={accounts.WAREHOUSE_DATABASE}",
    ]
    return Client(command + ([f"--command={sql}"] if sql else []), env)


def run_client(config: Config, database: Database, user: str | None, sql: str | None) -> int:
    """Runs a client through a tunnel of its own, on this terminal, and returns its exit code."""
    with open_tunnel(config, target(config, database)) as tunnel:
        if database is Database.MYSQL:
            client = mysql_client(config, tunnel.port, user, sql)
        else:
            client = redshift_client(config, tunnel.port, user, sql)
        return subprocess.run(
            client.command, env={**os.environ, **client.env}, check=False
        ).returncode


def _account(accounts: dict[str, tuple[str, str]], user: str) -> tuple[str, str]:
    try:
        return accounts[user]
    except KeyError:
        raise SandboxError(
            f"The sandbox has no user {user!r}", hint=f"--user {'|'.join(sorted(accounts))}"
        ) from None

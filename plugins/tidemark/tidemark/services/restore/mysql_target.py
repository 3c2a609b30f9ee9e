"""The MySQL table that a restore fills: made if it is missing, never written over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pymysql
from tap_mysql.source.session.driver import open_connection, verifying_context
from tidemark_core.errors import ConfigError, SourceError
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import mysql_relation, quote_mysql
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.singer_schema import from_json_schema

_ROWS = 2_000
_MYSQL = {
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "date": "DATE",
    "boolean": "TINYINT(1)",
    "json": "LONGTEXT",
    "binary": "LONGBLOB",
}
#: With more characters, a VARCHAR of utf8mb4 may not fit into a row of MySQL.
_LONGEST_VARCHAR = 1_000
_KEY_CHARACTERS = 191


@dataclass(frozen=True)
class Target:
    """Where a restore goes.

    Attributes:
        host: Name of the server, or the path of its socket, as the bastion sees it if there is one.
        port: Its port.
        user: Who may make a table there.
        password: Their password.
        database: The database.
        bastion: The bastion to go through; None: directly.
        ca: File of the authority that signed the server's certificate; None: no TLS.
        server_name: Name in that certificate, where it is not the host.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    bastion: Bastion | None = None
    ca: str | None = None
    server_name: str | None = None

    @classmethod
    def parse(cls, url: str, bastion: Bastion | None = None) -> Target:
        """Reads ``mysql://user:password@host:port/database``, or ``…/database?unix_socket=PATH``.

        ``ssl_ca=FILE`` in the query asks for TLS, verified; ``ssl_server_name=NAME`` is the name in
        the certificate where it is not the host.

        Raises:
            ConfigError: It is not such a URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 3306
        except ValueError:
            parts, port = urlsplit(""), 0
        database = unquote(parts.path.strip("/"))
        if parts.scheme != "mysql" or not database or "/" in database:
            raise ConfigError("--to is not mysql://user:password@host:port/database")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return cls(
            host=query.get("unix_socket") or parts.hostname or "127.0.0.1",
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=database,
            bastion=bastion,
            ca=query.get("ssl_ca"),
            server_name=query.get("ssl_server_name"),
        )

    @contextmanager
    def connect(self) -> Iterator[Any]:
        """A connection.

        Raises:
            TunnelError: The bastion cannot be reached.
            pymysql.MySQLError: MySQL cannot be reached or refuses the login.
        """
        with (
            open_endpoint(self.bastion, self.host, self.port) as endpoint,
            open_connection(
                endpoint,
                server_name=self.server_name or self.host,
                context=verifying_context(self.ca) if self.ca else None,
                user=self.user,
                password=self.password,
                charset="utf8mb4",
                init_command="SET time_zone = '+00:00'",
            ) as connection,
        ):
            yield connection


def to_mysql(rows: Any, newest: Manifest, target: Target) -> int:
    """Writes rows into an empty MySQL table, which is made if it is missing.

    Args:
        rows: From `tidemark.services.restore.restore.newest_rows`.
        newest: For the columns and the key.
        target: Where to.

    Returns:
        Rows in the table afterwards.

    Raises:
        ConfigError: The table is not empty.
        SourceError: MySQL refused, or cannot be reached.
        TunnelError: The bastion cannot be reached.
    """
    table = mysql_relation(target.database, newest.table.table)
    columns = {n: from_json_schema(s) for n, s in newest.columns.items()}
    try:
        with target.connect() as connection, connection.cursor() as cursor:
            cursor.execute(create_sql(table, columns, newest.key_properties))
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
            if cursor.fetchall()[0][0]:
                raise ConfigError(
                    f"{table} is not empty; nothing was written", table=newest.table,
                    hint="restore into an empty database",
                )  # fmt: skip
            names = ", ".join(quote_mysql(name) for name in columns)
            marks = ", ".join(["%s"] * len(columns))
            # The driver %-formats the statement, so a % in a name is doubled.
            into = f"INSERT INTO {table} ({names})".replace("%", "%%")
            for batch in rows.to_arrow_reader(_ROWS):
                cursor.executemany(f"{into} VALUES ({marks})", values(batch))
            connection.commit()
            cursor.execute(f"SELECT count(*) FROM {table}")
            return int(cursor.fetchall()[0][0])
    except pymysql.MySQLError as error:
        way = "is it up, and are user and password right?"
        if target.bastion is None:
            way += " For a server behind the bastion: --via-bastion"
        raise SourceError(
            f"the target MySQL server refused: {error.args[-1]}", table=newest.table, hint=way
        ) from error


def values(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """The rows of a batch as the driver takes them."""
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def create_sql(table: str, columns: dict[str, ColumnType], keys: Sequence[str]) -> str:
    """CREATE TABLE IF NOT EXISTS of a restored table. Pure."""
    lines = [f"{quote_mysql(n)} {mysql_type(k, key=n in keys)}" for n, k in columns.items()]
    if keys:
        lines.append(f"PRIMARY KEY ({', '.join(quote_mysql(key) for key in keys)})")
    return f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(lines)}) DEFAULT CHARSET utf8mb4"


def mysql_type(kind: ColumnType, *, key: bool) -> str:
    """A MySQL type that holds every value of a column. Pure."""
    if kind.kind == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    if kind.kind == "timestamp":
        return f"DATETIME({kind.precision or 0})"
    if kind.kind == "string":
        if key:
            return f"VARCHAR({min(kind.length or _KEY_CHARACTERS, _KEY_CHARACTERS)})"
        fits = kind.length is not None and kind.length <= _LONGEST_VARCHAR
        return f"VARCHAR({kind.length})" if fits else "LONGTEXT"
    return _MYSQL[kind.kind]

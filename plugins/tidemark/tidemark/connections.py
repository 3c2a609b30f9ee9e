"""MySQL for the command line: through the tunnel, read only, errors explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql
from tidemark_core.errors import SourceError
from tidemark_core.tunnel import Bastion, open_endpoint


class MySQL:
    """A session; queries only."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs a query.

        Args:
            sql: With ``%s`` for each value; a plain ``%`` is doubled when there are values.
            values: Bound by the driver.

        Raises:
            SourceError: The server refused it or went away.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, tuple(values) or None)
                return list(cursor.fetchall())
        except pymysql.MySQLError as error:
            raise SourceError(
                f"MySQL refused a query: {error.args[-1]}",
                hint="check the table's name and the rights of DB_USER: tidemark doctor",
            ) from error

    def row(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...]:
        """Runs a query that has exactly one row."""
        (found,) = self.rows(sql, values)
        return found

    def number(self, sql: str, values: Sequence[object] = ()) -> int:
        """Runs a query that has exactly one integer."""
        return int(self.row(sql, values)[0])


@contextmanager
def open_mysql(values: Mapping[str, Any]) -> Iterator[MySQL]:
    """Connects to MySQL, through the bastion if one is set.

    Raises:
        TunnelError: The bastion cannot be reached.
        SourceError: MySQL cannot be reached or refuses the login.
    """
    bastion = Bastion.from_config(values, prefix="ssh_bastion")
    with open_endpoint(bastion, values["db_host"], values["db_port"]) as endpoint:
        try:
            connection = pymysql.connect(
                host=endpoint.host,
                port=endpoint.port,
                user=values["db_user"],
                password=values["db_password"],
                charset="utf8mb4",
                init_command="SET time_zone = '+00:00'",
                connect_timeout=10,
            )
        except pymysql.MySQLError as error:
            endpoint.check()
            raise SourceError(
                f"MySQL refused the connection: {error.args[-1]}",
                hint="check DB_HOST, DB_PORT, DB_USER and DB_PASSWORD",
            ) from error
        with connection:
            yield MySQL(connection)

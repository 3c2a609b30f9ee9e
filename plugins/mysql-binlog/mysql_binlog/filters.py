"""Databases that a server leaves out of its log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pymysql

from mysql_binlog.model import Problem
from mysql_binlog.server import Server


def unlogged(connection: pymysql.Connection[Any], schemas: Iterable[str]) -> dict[str, Problem]:
    """Databases whose changes are not in the log: binlog_do_db, binlog_ignore_db.

    Args:
        connection: To the server.
        schemas: The databases that are wanted.

    Returns:
        The reason for each that the log does not have.

    Raises:
        RefusedRead: There is no log, or a right is missing.
        pymysql.err.MySQLError: The server refused, or the connection is lost.
    """
    only, never = Server(connection).filters()
    return left_out(schemas, only, never)


def left_out(
    schemas: Iterable[str], only: frozenset[str], never: frozenset[str]
) -> dict[str, Problem]:
    """Which databases a server's filters leave out. Pure.

    Args:
        schemas: The databases.
        only: Those of binlog_do_db; where there are any, binlog_ignore_db has no effect.
        never: Those of binlog_ignore_db.
    """
    found = {}
    restart = "then restart the server"
    for schema in schemas:
        if only and schema not in only:
            found[schema] = Problem(
                "binlog_do_db", ",".join(sorted(only)), f"with {schema}",
                f"in its configuration: binlog_do_db = {schema}, {restart}", True,
            )  # fmt: skip
        elif not only and schema.lower() in {name.lower() for name in never}:
            found[schema] = Problem(
                "binlog_ignore_db", ",".join(sorted(never)), f"without {schema}",
                f"in its configuration: no binlog_ignore_db = {schema}, {restart}", True,
            )  # fmt: skip
    return found

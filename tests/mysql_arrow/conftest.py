"""A database of these tests' own on the sandbox's server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest
from mysql_wire.value_kinds import DATABASE
from tidemark_sandbox.settings.accounts import account_name
from tidemark_sandbox.world import Sandbox

Connect = Callable[..., "pymysql.Connection[Any]"]


@pytest.fixture(scope="module")
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    def open_connection(**options: Any) -> pymysql.Connection[Any]:
        return pymysql.connect(
            unix_socket=str(sandbox.config.mysql_socket), user=account_name(),
            charset="utf8mb4", **options,
        )  # fmt: skip

    with closing(open_connection()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
    yield lambda **options: open_connection(database=DATABASE, **options)
    with closing(open_connection()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE}")

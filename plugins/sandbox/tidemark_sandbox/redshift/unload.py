"""The UNLOAD command."""

from __future__ import annotations

from collections.abc import Callable

from tidemark_sandbox.redshift.context import Context
from tidemark_sandbox.redshift.errors import NotInStandIn
from tidemark_sandbox.redshift.sql.lexer import Sql


def plan(sql: Sql) -> Callable[[Context], str]:
    """What runs the UNLOAD."""
    raise NotInStandIn("UNLOAD is")

"""Errors that prevent a table from being read from the log, for the operator."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_binlog import BinlogError, GapError, Problem, Statement
from tidemark_core.errors import SourceError
from tidemark_core.names import TableName


def healed(table: TableName) -> str:
    """The command that repairs a table whose changes are not all available."""
    return (
        f"tidemark resync -t {table} compares it with its copy and reads what differs; or "
        f"{anew(table)}"
    )


def anew(table: TableName) -> str:
    """The commands that read a table again when its changes are not all available."""
    return (
        f"tidemark watermark reset -t {table} and tidemark sync -t {table} read it again, then "
        f"tidemark reconcile -t {table} takes out the rows that were deleted meanwhile"
    )


def unreadable(error: BinlogError, table: TableName) -> SourceError:
    """The error of a table whose changes cannot be read."""
    if isinstance(error, GapError):
        what = f"the server's log no longer contains all of its changes: {error}"
        return SourceError(what, table=table, hint=healed(table))
    return SourceError(
        f"the server's log could not be read: {error}",
        table=table,
        hint="run it again; if it happens again, run tidemark doctor",
    )


def changed_as_a_whole(statement: Statement, table: TableName) -> SourceError | None:
    """The error of a table whose row events do not tell its changes; None if they do.

    ``CREATE TABLE`` follows a ``DROP``, which is reported itself, or did nothing (IF NOT EXISTS).
    """
    replaces = " OR REPLACE " in f" {' '.join(statement.sql.split())} ".upper()
    harmless = statement.kind == "alter" and not statement.keys_uncertain
    if harmless or (statement.kind == "create" and not replaces):
        return None
    if statement.keys_uncertain:
        what = "its key columns have moved since the rows were logged"
    else:
        what = f"{statement.kind.upper()} changed the whole table without row events"
    return SourceError(f"{what}: {statement.sql[:200]}", table=table, hint=healed(table))


def values_changed(columns: Sequence[str], table: TableName) -> SourceError:
    """The error of a table whose columns have new values that no row event tells."""
    return SourceError(
        f"an ALTER may have changed the values of {', '.join(columns)}, which no row's event tells",
        table=table,
        hint=healed(table),
    )


def refused(problem: Problem, table: TableName) -> SourceError:
    """The error of a table whose server has no log that can be read."""
    return SourceError(
        f"the server's log cannot be read: {problem.setting} is {problem.found}, must be "
        f"{problem.wanted}",
        table=table,
        hint=problem.statement,
    )

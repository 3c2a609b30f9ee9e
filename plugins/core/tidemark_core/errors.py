"""Errors named after what the operator can do about them.

Each says what happened, where (table, column, key) and, as ``hint``, the next command to type.
Exit codes: 1 failed, 2 usage or configuration, 3 verification found a difference, 4 another process
holds the lease.
"""

from __future__ import annotations

from tidemark_core.text.printable import printable, printable_lines


class TidemarkError(Exception):
    """Base of every error that is meant for the operator.

    Args:
        message: What happened, in one sentence without secrets and without row values.
        table: The table as people say it, ``schema.table``.
        column: The column, where one is to blame.
        key: The primary key of the row, where one row is to blame.
        hint: What to do next, best a command to type.
        retryable: Whether the same step may succeed when tried again; default: the class's own.
        stops_all: Whether no other table can be processed either, as when S3 is unreachable;
            default: the class's own.
    """

    exit_code = 1
    retryable = False
    stops_all = False
    #: Set once the operator has seen it.
    shown = False
    #: Where this only says that tables failed: their own errors, each already shown.
    of_tables: tuple[TidemarkError, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        table: object | None = None,
        column: str | None = None,
        key: object | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
        stops_all: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.table = None if table is None else str(table)
        self.column = column
        self.key = key
        self.hint = hint
        if retryable is not None:
            self.retryable = retryable
        if stops_all is not None:
            self.stops_all = stops_all

    def __str__(self) -> str:
        where = [
            printable(f"{name} {value}")
            for name, value in (("table", self.table), ("column", self.column), ("key", self.key))
            if value is not None
        ]
        text = printable_lines(self.message) + (f" [{', '.join(where)}]" if where else "")
        return f"{text}\n  Next: {printable_lines(self.hint)}" if self.hint else text


class ConfigError(TidemarkError):
    """A setting is missing or wrong; nothing was read or written."""

    exit_code = 2


class TunnelError(TidemarkError):
    """The SSH bastion cannot be reached, or is not the one it should be."""

    stops_all = True


class SourceError(TidemarkError):
    """MySQL refused, went away, or holds something that cannot be read faithfully."""


class StateError(TidemarkError):
    """The bookmark cannot be trusted: it is corrupt, or belongs to something else."""


class LakeError(TidemarkError):
    """S3 refused, or holds something that is not what its name says."""


class WarehouseError(TidemarkError):
    """The warehouse refused, went away, or its table does not fit the data."""


class LeaseError(TidemarkError):
    """Another process is writing this table, or took it over while this one was paused."""

    exit_code = 4


class VerificationError(TidemarkError):
    """Two copies of a table differ."""

    exit_code = 3

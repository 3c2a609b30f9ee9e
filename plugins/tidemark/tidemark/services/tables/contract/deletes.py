"""Whether a table's rows leave it when they are deleted in MySQL. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from target_redshift.model.landing_table import LandingTable
from tidemark_core.errors import ConfigError
from tidemark_core.types.singer_schema import FULL_TABLE

from tidemark.services.tables.contract.contract import Contract
from tidemark.services.tables.method import Method


@dataclass(frozen=True)
class Deletes:
    """What is to happen to rows that are deleted.

    Attributes:
        asked: Whether they are to leave the tables that are added; None: not specified.
        by_default: The same for new tables.
    """

    asked: bool | None
    by_default: bool

    def hard(self, contract: Contract | None, landing: LandingTable, method: Method) -> bool:
        """Whether they leave a table.

        Args:
            contract: Its contract until now; None: it is new.
            landing: Its columns and key.
            method: How it is copied.

        Raises:
            ConfigError: They are to stay, but cannot be identified.
        """
        why = _why_not_kept(landing, method)
        if self.asked is False and why is not None:
            raise ConfigError(
                f"cannot keep its deleted rows: {why}",
                table=landing.table,
                hint="omit --soft-delete, or copy it from the binary log: --log-based",
            )
        if self.asked is not None:
            return self.asked
        return why is not None or (contract.hard_delete if contract else self.by_default)


def _why_not_kept(landing: LandingTable, method: Method) -> str | None:
    if method.name == FULL_TABLE:
        return "it is read in full, and each copy replaces the previous one"
    return None if landing.keys else "it has no key"

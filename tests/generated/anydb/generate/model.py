"""What a generated database is: SQL for each run, and what the operator would choose for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tidemark_core.names import fold

Server = Literal["mariadb", "mysql"]


@dataclass(frozen=True)
class Table:
    """A table or view.

    Attributes:
        database: Name of its database.
        name: Its name.
        replication_key: Column; None: FULL_TABLE.
        partition: Date column by which its files are laid out; None: the time of extraction.
        given: Name of its copy, where another table has its own; None: its own.
    """

    database: str
    name: str
    replication_key: str | None
    partition: str | None = None
    given: str | None = None

    @property
    def copy(self) -> str:
        """What it is called in the warehouse."""
        return self.given or fold(self.name)

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"


@dataclass(frozen=True)
class Database:
    """One database.

    Attributes:
        name: Its name.
        tables: Its tables and views.
        runs: SQL statements before each run. One that the server refuses is left out: which
            values and names it takes is the server's business.
    """

    name: str
    tables: tuple[Table, ...]
    runs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Settings:
    """What the operator sets.

    Attributes:
        tap: Of tap-mysql, by name.
        lake: Of target-s3-parquet.
        reader: Of tap-s3-parquet.
        warehouse: Of target-redshift.
        page_rows: Rows of a query's page; 0: as many as the tap takes.
        chunk_rows: Rows of a key range, at least; 0: as many as the tap takes.
    """

    tap: dict[str, Any]
    lake: dict[str, Any]
    reader: dict[str, Any]
    warehouse: dict[str, Any]
    page_rows: int = 0
    chunk_rows: int = 0

"""The ledger ``landing.tidemark_loads``: which files are in the warehouse, and by which load."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tidemark_core.errors import LeaseError, WarehouseError
from tidemark_core.names import TableName
from tidemark_core.redshift import ledger as ledger_sql
from tidemark_core.redshift.connection import WarehouseConnection

from target_redshift.staging.load_file import LoadFile

#: Redshift binds at most 32,767 values per statement; a ledger row has eleven.
_FILES_AT_ONCE = 1_000


@dataclass(frozen=True)
class Ledger:
    """The ledger as one source table sees it.

    Attributes:
        connection: The warehouse.
        table: The source table.
        name: Its landing table's name.
    """

    connection: WarehouseConnection
    table: TableName
    name: str

    def missing(self, files: Sequence[LoadFile]) -> list[LoadFile]:
        """The files that are not in the warehouse yet.

        Raises:
            WarehouseError: An object was loaded before with different content.
        """
        loaded: dict[str, set[str]] = {}
        for start in range(0, len(files), _FILES_AT_ONCE):
            names = [file.name for file in files[start : start + _FILES_AT_ONCE]]
            for name, etag, _ in self.connection.execute(
                ledger_sql.ledger_files(len(names)),
                [str(self.table), *names],
                what="a query on the ledger",
                table=self.table,
            ):
                loaded.setdefault(name, set()).add(etag)
        left: dict[tuple[str, str], LoadFile] = {}
        for file in files:
            etags = loaded.get(file.name, set())
            if file.etag in etags:
                continue
            if etags and file.bucket:
                raise WarehouseError(
                    f"{file.name} was loaded before with different content (ETag "
                    f"{', '.join(sorted(etags))}, now {file.etag}): it was overwritten",
                    table=self.table,
                    hint=f"tidemark rebuild -t {self.table}",
                )
            left[file.name, file.etag] = file
        return list(left.values())

    def has_newer_copy(self, newest: Sequence[LoadFile], missing: Sequence[LoadFile]) -> bool:
        """Whether the newest of some full copies is loaded already, or an even newer one.

        Args:
            newest: Its files.
            missing: The files of all copies that are not in the warehouse.
        """
        if not any(file in missing for file in newest):
            return True
        ((loaded,),) = self.connection.execute(
            ledger_sql.LEDGER_NEWEST,
            [str(self.table)],
            what="a query on the ledger",
            table=self.table,
        )
        return loaded is not None and loaded.replace(tzinfo=UTC) > newest[0].extracted_at

    def last_load_id(self, fence: int) -> int:
        """The table's last load.

        Raises:
            LeaseError: A later holder of the lease has loaded already.
        """
        last, newest = self._last()
        if (newest or 0) > fence:
            raise self._taken_over()
        return last or 0

    def next_load_id(self) -> int:
        """Microseconds since 1970, but always more than the table's last one."""
        last, _ = self._last()
        return max(time.time_ns() // 1000, (last or 0) + 1)

    def check_fence(self, fence: int, load_id: int) -> None:
        """Makes sure, inside the transaction, that no other process has taken the table over.

        Raises:
            LeaseError: A later holder of the lease has loaded already.
        """
        last, newest = self._last()
        if (newest or 0) > fence or (last or 0) >= load_id:
            raise self._taken_over()

    def _taken_over(self) -> LeaseError:
        return LeaseError(
            "another process took over the lease and has loaded since; nothing was loaded by this "
            "one",
            table=self.table,
            hint=f"run again; if the error persists, run tidemark rebuild -t {self.table}",
        )

    def _last(self) -> tuple[int | None, int | None]:
        rows = self.connection.execute(
            ledger_sql.LEDGER_LAST,
            [str(self.table)],
            what="a query on the ledger",
            table=self.table,
        )
        return rows[0][0], rows[0][1]

    def other_copy(self) -> tuple[str, str] | None:
        """A load that would share our landing table, or that put our rows into another one.

        Returns:
            Its source table and its landing table; None: there is none.
        """
        source = str(self.table)
        rows = self.connection.execute(
            ledger_sql.LEDGER_OTHER_COPY,
            [self.name, source, source, self.name],
            what="a query on the ledger",
            table=self.table,
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def add(self, files: Sequence[LoadFile], *, load_id: int, fence: int) -> None:
        """Writes the files of a load, in its transaction."""
        loaded_at = _text(datetime.now(UTC))

        def values(file: LoadFile) -> tuple[object, ...]:
            return (
                str(self.table),
                self.name,
                file.name,
                file.etag,
                file.rows,
                load_id,
                file.run_id,
                file.manifest,
                _text(file.extracted_at),
                loaded_at,
                fence,
            )

        self._in_pages(files, ledger_sql.ledger_insert, values)

    def forget(self, files: Sequence[LoadFile]) -> None:
        """Removes files that are loaded again, in the transaction that replaces their rows."""
        for start in range(0, len(files), _FILES_AT_ONCE):
            names = [file.name for file in files[start : start + _FILES_AT_ONCE]]
            self.connection.execute(
                ledger_sql.ledger_forget(len(names)),
                [str(self.table), *names],
                what="the ledger clean-up",
                table=self.table,
            )

    def _in_pages(
        self,
        files: Sequence[LoadFile],
        statement: Callable[[int], str],
        values: Callable[[LoadFile], tuple[object, ...]],
    ) -> None:
        for start in range(0, len(files), _FILES_AT_ONCE):
            page = files[start : start + _FILES_AT_ONCE]
            self.connection.execute(
                statement(len(page)),
                [value for file in page for value in values(file)],
                what="the ledger entry",
                table=self.table,
            )


def _text(moment: datetime) -> str:
    """A UTC timestamp as Redshift reads it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

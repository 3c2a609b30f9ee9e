"""Other builds that lock tables in the warehouse: which they are, and waiting for them.

A build locks ``<table>__loads`` (transform/macros/loads/hold.sql), which must be read to find what
is built yet. So that query may wait: it is reported for which build, and how long at most.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from tidemark_core.errors import LeaseError
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.redshift.errors import QueryError

_Answer = TypeVar("_Answer")
_TIMED_OUT = "57014"
#: The query of macro holders. LOCK takes an AccessExclusiveLock.
_HOLDERS = (
    "SELECT DISTINCT c.relname, held.pid, held.txn_owner, held.txn_start"
    " FROM svv_transactions AS held JOIN pg_class AS c ON held.relation = c.oid"
    " JOIN pg_namespace AS n ON c.relnamespace = n.oid"
    " WHERE n.nspname = ? AND RIGHT(c.relname, 7) = '__loads'"
    " AND held.granted AND held.lock_mode = 'AccessExclusiveLock'"
)


def builders(warehouse: WarehouseConnection, schema: str) -> list[str]:
    """The sessions that build tables now, each with what it holds, for people.

    Args:
        warehouse: A session of dbt's user.
        schema: Of dbt's state.

    Raises:
        QueryError: The warehouse refused.
    """
    rows = warehouse.execute(_HOLDERS, [schema], what="a query for running builds")
    return sorted(
        f"{str(table).removesuffix('__loads')} is held by another build, session {pid} of "
        f"{str(owner).strip()}, since {since}"
        for table, pid, owner, since in rows
    )


def patiently(
    warehouse: WarehouseConnection, schema: str, patience: int, ask: Callable[[], _Answer]
) -> _Answer:
    """Runs a query that has to wait for running builds; reports them before it waits.

    Args:
        warehouse: A session of dbt's user, the one that ``ask`` uses.
        schema: Of dbt's state.
        patience: Seconds; 0: no limit.
        ask: Runs the query.

    Raises:
        LeaseError: They are still running when the time is over.
        QueryError: The warehouse refused.
    """
    held = builders(warehouse, schema)
    if not held:
        return ask()
    limit = f", at most {patience} s" if patience else ""
    print(f"waiting{limit}: {'; '.join(held)}", file=sys.stderr, flush=True)
    try:
        _limit(warehouse, f"{patience * 1000}")
        return ask()
    except QueryError as error:
        if error.sqlstate != _TIMED_OUT or not (held := builders(warehouse, schema)):
            raise
        raise LeaseError(
            f"{'; '.join(held)} (waited {patience} s)",
            hint="when it has ended, run the command again",
        ) from error
    finally:
        with suppress(QueryError):
            _limit(warehouse, "DEFAULT")


def _limit(warehouse: WarehouseConnection, value: str) -> None:
    warehouse.execute(f"SET statement_timeout TO {value}", what="setting the lock timeout")

"""Puts made-up data into the source: quickly, and all six tables at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.parts.source import Source
from tidemark_sandbox.seed import ddl
from tidemark_sandbox.seed.deliveries import delivery_columns
from tidemark_sandbox.seed.history import History, write_history
from tidemark_sandbox.seed.others import (
    billing_columns,
    claim_columns,
    partner_columns,
    return_columns,
    status_columns,
)
from tidemark_sandbox.seed.values import Column, tab_separated
from tidemark_sandbox.settings.accounts import MYSQL_DATABASE

MIN_ROWS = 100
CHUNK = 100_000
#: Tables are filled here and then renamed, so that a seed that is cut off changes nothing.
_SHADOW = f"{MYSQL_DATABASE}_seed"

#: Called with the table, and how many of its rows are loaded so far.
Progress = Callable[[str, int], None]


def _silent(*_: object) -> None:
    """Reports nothing."""


_Parts = Callable[[History, int], list[Column]]


def server_hour(source: Source) -> datetime:
    """The beginning of the server's current hour, UTC."""
    now: datetime = source.query("SELECT UTC_TIMESTAMP()")[0][0]
    return now.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)


def seed(
    source: Source,
    rows: int,
    seed: int,
    *,
    now: datetime | None = None,
    null_keys: bool = False,
    progress: Progress = _silent,
) -> dict[str, int]:
    """Replaces the six settlement tables.

    Args:
        source: The running server.
        rows: Delivery rows; the other tables follow in proportion.
        seed: The same seed and ``now`` give the same data.
        now: The latest moment in the data; default: the server's last full hour.
        null_keys: Leave update_at NULL in a few delivery rows.
        progress: Called with the progress.

    Returns:
        Rows by table.

    Raises:
        SandboxError: ``rows`` is too small, or a value was changed on its way in.
    """
    if rows < MIN_ROWS:
        raise SandboxError(f"seed needs at least {MIN_ROWS} rows", hint=f"--rows {MIN_ROWS}")
    history = write_history(rows, seed, now or server_hour(source))

    def deliveries(part: History, total: int) -> list[Column]:
        return delivery_columns(part, total, null_keys=null_keys)

    source.query(f"DROP DATABASE IF EXISTS `{_SHADOW}`")
    source.query(f"CREATE DATABASE `{_SHADOW}`")
    small: tuple[tuple[ddl.Table, _Parts], ...] = (
        (ddl.PARTNER, partner_columns),
        (ddl.CLAIM, claim_columns),
        (ddl.RETURN, return_columns),
        (ddl.BILLING, billing_columns),
    )
    large: tuple[tuple[ddl.Table, _Parts], ...] = (
        (ddl.DELIVERY, deliveries),
        (ddl.STATUS, status_columns),
    )
    counts = {}
    try:
        for table, make in small:
            counts[table.name] = _fill(source, table, iter([make(history, rows)]), progress, False)
        for table, make in large:
            counts[table.name] = _fill(source, table, _parts(history, make), progress, rows > CHUNK)
        _swap(source)
    finally:
        source.query(f"DROP DATABASE IF EXISTS `{_SHADOW}`")
    return counts


def _parts(history: History, make: _Parts) -> Iterator[list[Column]]:
    rows = len(history)
    for start in range(0, rows, CHUNK):
        yield make(history.part(start, min(start + CHUNK, rows)), rows)


def _fill(
    source: Source,
    table: ddl.Table,
    parts: Iterator[list[Column]],
    progress: Progress,
    keys_later: bool,
) -> int:
    """Loads part after part; while the server reads one, the next is made.

    Secondary keys of a large table are quicker to sort afterwards than to keep in order.
    """
    source.query(ddl.create(table, _SHADOW, keys=not keys_later))
    total = 0
    loading: Future[None] | None = None
    with ThreadPoolExecutor(1) as pool:
        for at, columns in enumerate(parts):
            path = source.exchange / f"{table.name}.{at}.tsv"
            path.write_bytes(tab_separated(columns))
            if loading:
                loading.result()
                progress(table.name, total)
            total += len(columns[0])
            loading = pool.submit(_load, source, table, path)
        if loading:
            loading.result()
    if keys_later:
        source.query(ddl.add_keys(table, _SHADOW))
    progress(table.name, total)
    return total


def _load(source: Source, table: ddl.Table, path: Path) -> None:
    try:
        with closing(source.connect()) as connection, connection.cursor() as cursor:
            # The keys come in order and are unique: nothing to check, nothing to look up.
            cursor.execute("SET unique_checks = 0, foreign_key_checks = 0")
            cursor.execute(ddl.load(table, _SHADOW, str(path)))
            cursor.execute("SHOW WARNINGS")
            warnings = cursor.fetchall()
    finally:
        path.unlink()
    if warnings:
        raise SandboxError(f"the source changed what was loaded into {table.name}: {warnings[0]}")


def _swap(source: Source) -> None:
    """Exchanges the six tables in one statement, which the server does as a whole or not at all."""
    old = {
        str(name)
        for (name,) in source.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s",
            [MYSQL_DATABASE],
        )
    }
    moves = []
    for table in ddl.TABLES:
        if table.name in old:
            moves.append(f"`{MYSQL_DATABASE}`.`{table.name}` TO `{_SHADOW}`.`old_{table.name}`")
        moves.append(f"`{_SHADOW}`.`{table.name}` TO `{MYSQL_DATABASE}`.`{table.name}`")
    source.query("RENAME TABLE " + ", ".join(moves))

"""Meltano's system database, which a run that is killed in its first seconds leaves half-made.

Meltano makes its tables by migrations, each of which records its version at its end. In SQLite the
first tables exist before that, and every later run would stop at "table job already exists". The
database holds the history of runs on this machine and nothing else: the state is in the lake.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_NAME = "meltano.db"
_VERSION = "alembic_version"
#: Most seconds to wait for a process that is making it now.
_PATIENCE = 30.0


def empty_half_made(folder: Path) -> bool:
    """Empties a database that was never finished, so that the next run makes it.

    Args:
        folder: Meltano's own.

    Returns:
        Whether there was one.
    """
    path = folder / _NAME
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as database:
            return bool(_half_made(database)) and _empty(database)
    except sqlite3.Error:  # not a database, or in use: Meltano reports it
        return False


def _empty(database: sqlite3.Connection) -> bool:
    database.execute("BEGIN EXCLUSIVE")  # waits for a Meltano that is making it
    tables = _half_made(database)
    for table in tables:
        database.execute(f'DROP TABLE "{table}"')
    database.execute("COMMIT")
    return bool(tables)


def _half_made(database: sqlite3.Connection) -> list[str]:
    """The tables of a database without a version."""
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = [name for (name,) in found if not name.startswith("sqlite_")]
    if _VERSION in tables and database.execute(f"SELECT 1 FROM {_VERSION}").fetchone():
        return []
    return tables

"""The SQL of the ledger of loads; each says what it binds."""

from __future__ import annotations

from tidemark_core.names import LEDGER_TABLE, LOAD_ID, landing_relation, quote_redshift

LEDGER = landing_relation(LEDGER_TABLE)
LEDGER_COLUMNS = (
    ("source_table", "VARCHAR(512)"),
    ("landing_table", "VARCHAR(127)"),
    ("file", "VARCHAR(1024)"),
    ("etag", "VARCHAR(128)"),
    ("row_count", "BIGINT"),
    ("load_id", "BIGINT"),
    ("run_id", "VARCHAR(64)"),
    ("manifest", "VARCHAR(1024)"),
    ("extracted_at", "TIMESTAMP"),
    ("loaded_at", "TIMESTAMP"),
    ("fence", "BIGINT"),
)


def create_ledger() -> str:
    columns = ", ".join(f"{quote_redshift(name)} {kind}" for name, kind in LEDGER_COLUMNS)
    return (
        f"CREATE TABLE IF NOT EXISTS {LEDGER} ({columns}) "
        "DISTSTYLE EVEN COMPOUND SORTKEY (source_table, load_id)"
    )


def ledger_insert(rows: int) -> str:
    """INSERT of ``rows`` ledger rows; binds `LEDGER_COLUMNS` of each, row after row."""
    names = ", ".join(quote_redshift(name) for name, _ in LEDGER_COLUMNS)
    row = f"({', '.join('?' * len(LEDGER_COLUMNS))})"
    return f"INSERT INTO {LEDGER} ({names}) VALUES {', '.join([row] * rows)}"


def ledger_files(files: int) -> str:
    """File, ETag and load of those files that the ledger has; binds the source table, the files."""
    return (
        f"SELECT file, etag, load_id FROM {LEDGER} "
        f"WHERE source_table = ? AND file IN ({', '.join('?' * files)})"
    )


def ledger_forget(files: int) -> str:
    """Removes files from the ledger; binds the source table, then the files."""
    marks = ", ".join("?" * files)
    return f"DELETE FROM {LEDGER} WHERE source_table = ? AND file IN ({marks})"


#: Greatest load id and fencing token of a source table; binds it.
LEDGER_LAST = f"SELECT max(load_id), max(fence) FROM {LEDGER} WHERE source_table = ?"
#: Latest extraction of a source table that is loaded; binds it.
LEDGER_NEWEST = f"SELECT max(extracted_at) FROM {LEDGER} WHERE source_table = ?"
#: Source and landing table of a load of another table into this landing table, or of this table
#: into another one; binds landing, source, source, landing.
LEDGER_OTHER_COPY = (
    f"SELECT source_table, landing_table FROM {LEDGER} WHERE landing_table = ? "
    "AND source_table <> ? OR source_table = ? AND landing_table <> ? LIMIT 1"
)
#: Another source table that was loaded into a landing table; binds that one, and the source table.
LEDGER_OTHER_SOURCE = (
    f"SELECT source_table FROM {LEDGER} WHERE landing_table = ? AND source_table <> ? LIMIT 1"
)
#: The landing tables that a source table was loaded into; binds it.
LEDGER_COPIES = f"SELECT DISTINCT landing_table FROM {LEDGER} WHERE source_table = ?"
#: Source table, load, rows and time of the loads up to a time; binds that, UTC.
LEDGER_LOADS = (
    f"SELECT source_table, load_id, sum(row_count), max(loaded_at) FROM {LEDGER} "
    "WHERE loaded_at <= ? GROUP BY source_table, load_id ORDER BY load_id"
)
#: Removes a source table from the ledger; binds it.
LEDGER_FORGET_TABLE = f"DELETE FROM {LEDGER} WHERE source_table = ?"


def ledger_entries(tables: int) -> str:
    """The loaded files of so many source tables, or of all (0), oldest first; binds these."""
    where = f" WHERE source_table IN ({', '.join('?' * tables)})" if tables else ""
    return (
        "SELECT source_table, file, etag, row_count, load_id, run_id, loaded_at "
        f"FROM {LEDGER}{where} ORDER BY load_id, file"
    )


def ledger_retired(name: str) -> str:
    """Rows of a source table's loads that are no longer in its landing table; binds the source.

    Args:
        name: The landing table.
    """
    return (
        f"SELECT coalesce(sum(row_count), 0) FROM {LEDGER} WHERE source_table = ? "
        f"AND load_id NOT IN (SELECT {LOAD_ID} FROM {landing_relation(name)})"
    )

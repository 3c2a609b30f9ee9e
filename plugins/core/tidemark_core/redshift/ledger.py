"""The SQL of the ledger of loads; each says what it binds."""

from __future__ import annotations

from tidemark_core.names import LANDING_SCHEMA, LEDGER_TABLE, quote_redshift

LEDGER = f"{quote_redshift(LANDING_SCHEMA)}.{quote_redshift(LEDGER_TABLE)}"
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

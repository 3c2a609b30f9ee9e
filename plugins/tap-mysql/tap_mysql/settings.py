"""The tap's settings, declared once: ``--about``, meltano.yml and .env.example follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidemark_core.typed_settings import declared, setting

from tap_mysql.incremental.options import Options
from tap_mysql.source.replica_lag import Replication
from tap_mysql.source.settings import MySQLSettings
from tap_mysql.values.key_values import Lookback


@dataclass(frozen=True, kw_only=True)
class TapSettings(MySQLSettings):
    """What is read of MySQL, and how."""

    db_schemas: list[str] | None = setting("Further databases to discover, a JSON array of names.")
    ssh_local_port: int = setting(
        "Port of 127.0.0.1 that leads to MySQL too, for every user of this machine; 0: none is "
        "needed.",
        0,
        minimum=0,
    )
    backup_strategy: Literal["sequential", "inter-table", "chunked"] = setting(
        "sequential: one table at a time; inter-table: BACKUP_MAX_WORKERS tables at once; "
        "chunked: the first load of a table in BACKUP_NUM_CHUNKS key ranges at once.",
        "sequential",
    )
    backup_batch_size: int = setting("Rows of a file, at most.", 200_000, minimum=1)
    backup_max_rows: int = setting(
        "About so many new rows of a table and run, in the order of the replication key; the next "
        "run goes on from there. 0: all of them.",
        0,
        minimum=0,
    )
    backup_max_workers: int = setting("Queries at the same time, at most.", 4, minimum=1)
    backup_num_chunks: int = setting("Key ranges of a chunked first load.", 4, minimum=1)
    backup_retry_attempts: int = setting(
        "Tries of a read that lost its connection, each from the last finished file; also of a "
        "discovery, or of the look at a table, before it.",
        5,
        minimum=1,
    )
    backup_timeout_seconds: int = setting(
        "Seconds without a row after which a query is given up.", 1800, minimum=1
    )
    backup_lookback_seconds: int = setting(
        "How long a transaction may take to commit: each run reads again the rows of this many "
        "seconds before the bookmark, if they have changed.",
        300,
        minimum=0,
    )
    backup_lookback_ids: int = setting(
        "The same for replication keys that are numbers: so many keys before the bookmark.",
        1000,
        minimum=0,
    )
    backup_max_replica_lag_seconds: int = setting(
        "Where DB_HOST is a replica: seconds that it may be behind before tables are refused; "
        "needs REPLICATION CLIENT, on MariaDB REPLICA MONITOR. 0: any.",
        0,
        minimum=0,
    )
    backup_null_keys: Literal["refuse", "read"] = setting(
        "Rows whose replication key is NULL or a zero date: refuse the table, or read them when "
        "they change.",
        "refuse",
    )
    backup_strict: bool = setting(
        "Stop at a value that cannot be kept as it is (0000-00-00, invalid UTF-8), in place of "
        "writing NULL or U+FFFD and counting it. In a key such a value always stops its table.",
        False,
    )
    backup_output: Literal["batch", "record"] = setting(
        "batch: Parquet files named in BATCH messages; record: RECORD messages for any target.",
        "batch",
    )
    backup_temp_dir: str | None = setting("Folder for files on their way; empty: the system's own.")
    backup_temp_max_mb: int = setting(
        "Megabytes of files that may wait there for the target; beyond it the read waits. 0: any.",
        1024,
        minimum=0,
    )

    def options(self) -> Options:
        """Makes of them how the tables of a run are extracted."""
        chunked = self.backup_strategy == "chunked"
        return Options(
            lookback=Lookback(self.backup_lookback_seconds, self.backup_lookback_ids),
            null_keys=self.backup_null_keys,
            chunks=self.backup_num_chunks if chunked else 1,
            workers=self.backup_max_workers if chunked else 1,
            max_rows=self.backup_max_rows,
            replication=Replication(self.backup_max_replica_lag_seconds),
        )


SETTINGS = declared(TapSettings)

"""The tap's settings, declared once: ``--about``, meltano.yml and .env.example follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidemark_core.typed_settings import declared, setting, shared

from tap_mysql.incremental.options import Options
from tap_mysql.source.replica_lag import Replication
from tap_mysql.source.settings import TEMP_DIR, TIMEOUT_SECONDS, MySQLSettings
from tap_mysql.values.key_values import Lookback


@dataclass(frozen=True, kw_only=True)
class TapSettings(MySQLSettings):
    """What is read of MySQL, and how."""

    db_schemas: list[str] | None = setting(
        "Additional databases to discover, as a JSON array of names."
    )
    ssh_local_port: int = setting(
        "Local port (127.0.0.1) that also leads to MySQL, open to every user of this machine; 0: "
        "none.",
        0,
        minimum=0,
    )
    backup_strategy: Literal["sequential", "inter-table", "chunked"] = setting(
        "sequential: one table at a time; inter-table: BACKUP_MAX_WORKERS tables in parallel; "
        "chunked: the first load of a table in BACKUP_NUM_CHUNKS parallel key ranges.",
        "sequential",
    )
    backup_batch_size: int = setting("Maximum rows per file.", 200_000, minimum=1)
    backup_max_rows: int = setting(
        "Approximate maximum of new rows per table and run, in replication key order; the next run "
        "continues from there. 0: no limit.",
        0,
        minimum=0,
    )
    backup_max_workers: int = setting("Maximum number of concurrent queries.", 4, minimum=1)
    backup_num_chunks: int = setting("Number of key ranges in a chunked first load.", 4, minimum=1)
    backup_retry_attempts: int = setting(
        "Attempts for a read that loses its connection, each from the last finished file; also for "
        "discovery and for the inspection of a table before a read.",
        5,
        minimum=1,
    )
    backup_timeout_seconds: int = shared(TIMEOUT_SECONDS)
    backup_lookback_seconds: int = setting(
        "How long a transaction may take to commit: each run reads the rows of this many seconds "
        "before the bookmark again, if they have changed.",
        300,
        minimum=0,
    )
    backup_lookback_ids: int = setting(
        "The same for numeric replication keys: this many keys before the bookmark.",
        1000,
        minimum=0,
    )
    backup_max_replica_lag_seconds: int = setting(
        "If DB_HOST is a replica: maximum lag in seconds before tables are refused; needs "
        "REPLICATION CLIENT, on MariaDB REPLICA MONITOR. 0: no limit.",
        0,
        minimum=0,
    )
    backup_null_keys: Literal["refuse", "read"] = setting(
        "What to do with rows whose replication key is NULL or a zero date: refuse the table, or "
        "read them when they change.",
        "refuse",
    )
    backup_strict: bool = setting(
        "Stop at a value that cannot be kept as it is (0000-00-00, invalid UTF-8), instead of "
        "writing NULL or U+FFFD and counting it. In a key, such a value always stops its table.",
        False,
    )
    backup_output: Literal["batch", "record"] = setting(
        "batch: Parquet files named in BATCH messages; record: RECORD messages, for any target.",
        "batch",
    )
    backup_temp_dir: str | None = shared(TEMP_DIR)
    backup_temp_max_mb: int = setting(
        "Maximum size in MB of the files waiting there for the target; reading pauses when it is "
        "reached. 0: no limit.",
        1024,
        minimum=0,
    )

    def options(self) -> Options:
        """How the tables of a run are extracted, from these settings."""
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

"""The tap's settings, declared once: ``--about``, meltano.yml and .env.example follow them."""

from __future__ import annotations

from tidemark_core.settings import MYSQL_SETTINGS, Setting, bastion_settings

SETTINGS: tuple[Setting, ...] = (
    *MYSQL_SETTINGS,
    Setting("db_schemas", "Further databases to discover, a JSON array of names.", "array"),
    *bastion_settings("ssh_bastion", "MySQL"),
    Setting(
        "ssh_local_port",
        "Port of 127.0.0.1 that leads to MySQL too, for every user of this machine; 0: none is "
        "needed.",
        "integer",
        0,
        minimum=0,
    ),
    Setting(
        "backup_strategy",
        "sequential: one table at a time; inter-table: BACKUP_MAX_WORKERS tables at once; "
        "chunked: the first load of a table in BACKUP_NUM_CHUNKS key ranges at once.",
        default="sequential",
        choices=("sequential", "inter-table", "chunked"),
    ),
    Setting("backup_batch_size", "Rows of a file, at most.", "integer", 200_000, minimum=1),
    Setting(
        "backup_max_rows",
        "About so many new rows of a table and run, in the order of the replication key; the next "
        "run goes on from there. 0: all of them.",
        "integer",
        0,
        minimum=0,
    ),
    Setting("backup_max_workers", "Queries at the same time, at most.", "integer", 4, minimum=1),
    Setting("backup_num_chunks", "Key ranges of a chunked first load.", "integer", 4, minimum=1),
    Setting(
        "backup_retry_attempts",
        "Tries of a read that lost its connection, each from the last finished file; also of a "
        "discovery, or of the look at a table, before it.",
        "integer",
        5,
        minimum=1,
    ),
    Setting(
        "backup_timeout_seconds",
        "Seconds without a row after which a query is given up.",
        "integer",
        1800,
        minimum=1,
    ),
    Setting(
        "backup_lookback_seconds",
        "How long a transaction may take to commit: each run reads again the rows of so many "
        "seconds before the bookmark, if they have changed.",
        "integer",
        300,
        minimum=0,
    ),
    Setting(
        "backup_lookback_ids",
        "The same for replication keys that are numbers: so many keys before the bookmark.",
        "integer",
        1000,
        minimum=0,
    ),
    Setting(
        "backup_max_replica_lag_seconds",
        "Where DB_HOST is a replica: seconds that it may be behind before tables are refused; "
        "needs REPLICATION CLIENT, on MariaDB REPLICA MONITOR. 0: any.",
        "integer",
        0,
        minimum=0,
    ),
    Setting(
        "backup_null_keys",
        "Rows whose replication key is NULL or a zero date: refuse the table, or read them when "
        "they change.",
        default="refuse",
        choices=("refuse", "read"),
    ),
    Setting(
        "backup_strict",
        "Stop at a value that cannot be kept as it is (0000-00-00, invalid UTF-8), in place of "
        "writing NULL or U+FFFD and counting it. In a key such a value always stops its table.",
        "boolean",
        default=False,
    ),
    Setting(
        "backup_output",
        "batch: Parquet files named in BATCH messages; record: RECORD messages for any target.",
        default="batch",
        choices=("batch", "record"),
    ),
    Setting("backup_temp_dir", "Folder for files on their way; empty: the system's own."),
    Setting(
        "backup_temp_max_mb",
        "Megabytes of files that may wait there for the target; beyond it the read waits. 0: any.",
        "integer",
        1024,
        minimum=0,
    ),
)

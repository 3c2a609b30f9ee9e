"""How tables are extracted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tap_mysql.source.replica_lag import Replication
from tap_mysql.source.schema import Column
from tap_mysql.values.key_values import Lookback


@dataclass(frozen=True)
class Options:
    """How tables are extracted.

    Attributes:
        lookback: How far before the bookmark a window begins.
        null_keys: ``refuse`` or ``read``.
        chunks: Key ranges of a first load.
        workers: Ranges read at the same time.
        max_rows: Maximum new rows per table and run, rounded up to whole keys; 0 for no limit.
        replication: How far the source may be behind its own.
    """

    lookback: Lookback
    null_keys: str = "refuse"
    chunks: int = 1
    workers: int = 1
    max_rows: int = 0
    replication: Replication = field(default_factory=Replication)

    def of(self, key: Column) -> Options:
        """The options of a table with this replication key."""
        return replace(self, lookback=replace(self.lookback, local=key.data_type == "datetime"))

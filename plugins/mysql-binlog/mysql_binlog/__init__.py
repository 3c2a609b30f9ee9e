"""Which keys of which tables changed between two positions of a MySQL or MariaDB binary log."""

from mysql_binlog.changes import Connect, read_changes
from mysql_binlog.check import check_log, log_retention
from mysql_binlog.errors import (
    AnotherServer,
    BinlogError,
    DamagedLog,
    GapError,
    LogPurged,
    RefusedRead,
    StalledStream,
    UnknownEvent,
    UnreachablePosition,
    UnreadableChange,
    WrongKey,
)
from mysql_binlog.filters import unlogged
from mysql_binlog.model import (
    Batch,
    Change,
    Column,
    Key,
    KeyColumns,
    Kind,
    Problem,
    Statement,
    Table,
)
from mysql_binlog.position import Flavor, Position
from mysql_binlog.rows.keys import key_columns
from mysql_binlog.server import current_position

__all__ = [
    "AnotherServer",
    "Batch",
    "BinlogError",
    "Change",
    "Column",
    "Connect",
    "DamagedLog",
    "Flavor",
    "GapError",
    "Key",
    "KeyColumns",
    "Kind",
    "LogPurged",
    "Position",
    "Problem",
    "RefusedRead",
    "StalledStream",
    "Statement",
    "Table",
    "UnknownEvent",
    "UnreachablePosition",
    "UnreadableChange",
    "WrongKey",
    "check_log",
    "current_position",
    "key_columns",
    "log_retention",
    "read_changes",
    "unlogged",
]

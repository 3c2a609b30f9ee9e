"""Numbers of the replication protocol, as the manuals of both servers name them."""

from __future__ import annotations

import struct
from enum import IntEnum

#: timestamp, type, server_id, length, end position (low 32 bits), flags.
HEADER = struct.Struct("<IBIIIH")
#: Length of the CRC32 at an event's end.
CHECKSUM = 4
#: Flags of a header: the event is not in the file; a reader that does not know it may skip it.
ARTIFICIAL, IGNORABLE = 0x20, 0x80
#: Flag of a rows event: the statement's last.
STATEMENT_END = 0x01
#: A rows event for no table.
DUMMY_TABLE = 0x00FFFFFF


class Code(IntEnum):
    """Types of events that mean something here."""

    QUERY = 2
    STOP = 3
    ROTATE = 4
    INTVAR = 5
    RAND = 13
    USER_VAR = 14
    FORMAT_DESCRIPTION = 15
    XID = 16
    BEGIN_LOAD_QUERY = 17
    EXECUTE_LOAD_QUERY = 18
    TABLE_MAP = 19
    WRITE_ROWS_V1 = 23
    UPDATE_ROWS_V1 = 24
    DELETE_ROWS_V1 = 25
    INCIDENT = 26
    HEARTBEAT = 27
    IGNORABLE = 28
    ROWS_QUERY = 29
    WRITE_ROWS = 30
    UPDATE_ROWS = 31
    DELETE_ROWS = 32
    GTID = 33
    ANONYMOUS_GTID = 34
    PREVIOUS_GTIDS = 35
    TRANSACTION_CONTEXT = 36
    VIEW_CHANGE = 37
    XA_PREPARE = 38
    PARTIAL_UPDATE_ROWS = 39
    TRANSACTION_PAYLOAD = 40
    HEARTBEAT_V2 = 41
    GTID_TAGGED = 42
    MARIADB_ANNOTATE_ROWS = 160
    MARIADB_BINLOG_CHECKPOINT = 161
    MARIADB_GTID = 162
    MARIADB_GTID_LIST = 163
    MARIADB_START_ENCRYPTION = 164
    MARIADB_QUERY_COMPRESSED = 165
    MARIADB_WRITE_ROWS_COMPRESSED_V1 = 166
    MARIADB_UPDATE_ROWS_COMPRESSED_V1 = 167
    MARIADB_DELETE_ROWS_COMPRESSED_V1 = 168
    MARIADB_WRITE_ROWS_COMPRESSED = 169
    MARIADB_UPDATE_ROWS_COMPRESSED = 170
    MARIADB_DELETE_ROWS_COMPRESSED = 171


#: Events with no change and no boundary. START_ENCRYPTION comes in the clear: the server decrypts.
PASSED_OVER = frozenset(
    {
        *(Code.STOP, Code.IGNORABLE, Code.ROWS_QUERY),
        *(Code.TRANSACTION_CONTEXT, Code.VIEW_CHANGE, Code.MARIADB_ANNOTATE_ROWS),
        *(Code.MARIADB_BINLOG_CHECKPOINT, Code.MARIADB_START_ENCRYPTION),
        # They prepare a statement that has its own event.
        *(Code.INTVAR, Code.RAND, Code.USER_VAR, Code.BEGIN_LOAD_QUERY),
    }
)
HEARTBEATS = frozenset({Code.HEARTBEAT, Code.HEARTBEAT_V2})
WRITES = frozenset(
    {
        *(Code.WRITE_ROWS_V1, Code.WRITE_ROWS),
        *(Code.MARIADB_WRITE_ROWS_COMPRESSED_V1, Code.MARIADB_WRITE_ROWS_COMPRESSED),
    }
)
UPDATES = frozenset(
    {
        *(Code.UPDATE_ROWS_V1, Code.UPDATE_ROWS, Code.PARTIAL_UPDATE_ROWS),
        *(Code.MARIADB_UPDATE_ROWS_COMPRESSED_V1, Code.MARIADB_UPDATE_ROWS_COMPRESSED),
    }
)
DELETES = frozenset(
    {
        *(Code.DELETE_ROWS_V1, Code.DELETE_ROWS),
        *(Code.MARIADB_DELETE_ROWS_COMPRESSED_V1, Code.MARIADB_DELETE_ROWS_COMPRESSED),
    }
)
ROWS = WRITES | UPDATES | DELETES
#: Rows events with extra data before the columns: two bytes of length, then the rest.
SECOND_VERSION = frozenset(
    {
        *(Code.WRITE_ROWS, Code.UPDATE_ROWS, Code.DELETE_ROWS, Code.PARTIAL_UPDATE_ROWS),
        *(Code.MARIADB_WRITE_ROWS_COMPRESSED, Code.MARIADB_UPDATE_ROWS_COMPRESSED),
        Code.MARIADB_DELETE_ROWS_COMPRESSED,
    }
)
COMPRESSED_ROWS = frozenset(range(Code.MARIADB_WRITE_ROWS_COMPRESSED_V1, 172))

"""Events of a log as the server sends them, over the socket on which PyMySQL has logged in."""

from __future__ import annotations

import struct
import time
import uuid
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import pymysql

from mysql_binlog.errors import DamagedLog, StalledStream
from mysql_binlog.events.codes import ARTIFICIAL, CHECKSUM, HEADER, HEARTBEATS, Code
from mysql_binlog.events.event import Event
from mysql_binlog.events.source import Reader
from mysql_binlog.gtid import GtidSet
from mysql_binlog.position import Flavor
from mysql_binlog.wire.packets import Packets, Plain
from mysql_binlog.wire.start import Start

_DUMP, _DUMP_GTID, _NON_BLOCK = 0x12, 0x1E, 0x01
#: Bytes of a large event that are skipped at once.
_PIECE = 256 * 1024
#: How long the server waits for a reader that is busy with what it has read.
_WAIT_SECONDS = 86_400
_CRC32 = 1


def dump(
    connection: pymysql.Connection[Any], flavor: Flavor, start: Start, plain: Plain | None = None,
    *, server_id: int, stall_seconds: float,
) -> Generator[Event | None, None, None]:  # fmt: skip
    """Asks for the log, and gives its events until the server has no more.

    The connection is closed in the end.

    Args:
        connection: To the server.
        flavor: Which server.
        start: Where to begin.
        plain: Takes plain events before they become `Event` objects; each time, None is yielded.
        server_id: The reader's id among the server's replicas.
        stall_seconds: How long the server may say nothing.

    Raises:
        GapError: The log cannot be had from there.
        RefusedRead: The server refuses for another reason.
        StalledStream: Nothing came for ``stall_seconds``.
        DamagedLog: What came is not a log.
        pymysql.err.MySQLError: The connection is lost.
    """
    try:
        _prepare(connection, flavor, start, stall_seconds)
        command = _command(flavor, start, server_id)
        connection._execute_command(*command)  # type: ignore[attr-defined]
        with closing(Packets(connection, stall_seconds)) as packets:
            yield from _events(packets, stall_seconds, plain)
    finally:
        connection._force_close()  # type: ignore[attr-defined]


def _prepare(
    connection: pymysql.Connection[Any], flavor: Flavor, start: Start, stall_seconds: float
) -> None:
    beat = int(min(max(stall_seconds / 3, 0.1), 3600) * 1e9)
    name = str(uuid.uuid4())
    settings: dict[str, object] = {
        "@master_binlog_checksum": "CRC32",
        "@master_heartbeat_period": beat,
        "net_write_timeout": _WAIT_SECONDS,
    }
    if flavor == "mysql":
        settings["@source_binlog_checksum"] = "CRC32"
        settings["@source_heartbeat_period"] = beat
        # Else it would end another reader that has the same server_id.
        settings["@replica_uuid"] = settings["@slave_uuid"] = name
    else:
        settings["@mariadb_slave_capability"] = 4  # knows GTID events
        if start.gtid is not None:
            settings["@slave_connect_state"] = start.gtid
            settings["@slave_gtid_strict_mode"] = 0
            settings["@slave_gtid_ignore_duplicates"] = 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET {', '.join(f'{name} = %s' for name in settings)}", [*settings.values()]
        )


def _command(flavor: Flavor, start: Start, server_id: int) -> tuple[int, bytes]:
    """The number and the body of the command that asks for the log."""
    if flavor == "mysql" and start.gtid is not None:
        known = GtidSet(start.gtid).encoded()
        head = struct.pack("<HII", _NON_BLOCK, server_id, 0)
        return _DUMP_GTID, head + struct.pack("<QI", start.offset, len(known)) + known
    head = struct.pack("<IHI", start.offset, _NON_BLOCK, server_id)
    return _DUMP, head + start.file.encode()


class _Checked:
    """The body of a large event; its checksum is checked at its end."""

    def __init__(self, packet: Reader, header: bytes, left: int, *, checksum: bool) -> None:
        self._packet, self._left, self._checksum = packet, left, checksum
        self._crc = zlib.crc32(header)

    def read(self, size: int) -> bytes:
        data = self._packet.take(min(size, self._left))
        self._crc = zlib.crc32(data, self._crc)
        self._left -= len(data)
        return data

    def finish(self) -> None:
        """Skips what was not read.

        Raises:
            DamagedLog: The checksum is wrong.
        """
        while self._left:
            self.read(_PIECE)
        if self._checksum and self._packet.number(CHECKSUM) != self._crc:
            raise DamagedLog("an event's checksum is wrong")


def _events(
    packets: Packets, stall_seconds: float, plain: Plain | None = None
) -> Iterator[Event | None]:
    checksums, last, beat = False, time.monotonic(), -1
    while True:
        if plain is not None and packets.offer(plain, checksums):
            last = time.monotonic()
            yield None
            continue
        packet = packets.next()
        if packet is None:
            return
        if isinstance(packet, Reader):
            yield from _large(packet, checksums)
            continue
        event = _small(packet, checksums)
        if event.code in HEARTBEATS:
            if event.end != beat:  # the server advances in parts of the log that it does not send
                beat, last = event.end, time.monotonic()
            elif time.monotonic() - last > stall_seconds:
                raise StalledStream(f"the server has sent no event for {stall_seconds:g} s")
            continue
        last = time.monotonic()
        if event.code == Code.FORMAT_DESCRIPTION:
            checksums, event = _format(packet)
        yield event


def _small(packet: bytes, checksums: bool) -> Event:
    """The event of a packet in memory."""
    size = len(packet) - 1
    if size < HEADER.size:
        raise DamagedLog("an event is shorter than its header")
    timestamp, code, server_id, length, end, flags = HEADER.unpack_from(packet, 1)
    if length != size:
        raise DamagedLog("an event does not have the stated length")
    if flags & ARTIFICIAL or not end:  # not from the file: has a checksum or not
        whole = size < HEADER.size + CHECKSUM or not _crc_fits(packet)
        checked = not whole
    elif code == Code.FORMAT_DESCRIPTION:
        checked = False
    else:
        checked = checksums
        if checked and not (size >= HEADER.size + CHECKSUM and _crc_fits(packet)):
            raise DamagedLog("an event's checksum is wrong")
    data = packet[1:-CHECKSUM] if checked else packet[1:]
    return Event(code, timestamp, server_id, end, flags, data)


def _crc_fits(packet: bytes) -> bool:
    told = int.from_bytes(packet[-CHECKSUM:], "little")
    return zlib.crc32(memoryview(packet)[1:-CHECKSUM]) == told


def _format(packet: bytes) -> tuple[bool, Event]:
    """Whether the file's events have checksums, as the format description says at its end."""
    timestamp, code, server_id, _, end, flags = HEADER.unpack_from(packet, 1)
    size = len(packet) - 1
    # Version, server's version, time, header's length; by type, the length of the fixed part.
    if size < HEADER.size + 57 + Code.TABLE_MAP + 1 + CHECKSUM:
        raise DamagedLog("the log has the format of a server before MySQL 5.6")
    kind = packet[-CHECKSUM - 1]
    if kind not in (0, _CRC32):
        raise DamagedLog(f"the log uses an unknown checksum algorithm ({kind})")
    if kind == _CRC32 and not _crc_fits(packet):
        raise DamagedLog("the checksum of a file's first event is wrong")
    if packet[1 + HEADER.size + 57 + Code.TABLE_MAP - 1] != 8:
        raise DamagedLog("the log has table maps of an unknown format")
    return kind == _CRC32, Event(code, timestamp, server_id, end, flags, packet[1:])


def _large(packet: Reader, checksums: bool) -> Iterator[Event]:
    """The event of a packet of more than 16 MB."""
    header = packet.take(HEADER.size)
    timestamp, code, server_id, length, end, flags = HEADER.unpack(header)
    left = length - HEADER.size - (CHECKSUM if checksums else 0)
    if left < 0:
        raise DamagedLog("an event does not have the stated length")
    checked = _Checked(packet, header, left, checksum=checksums)
    yield Event(code, timestamp, server_id, end, flags, None, Reader(checked, left))
    checked.finish()
    if packet.read(1):  # also takes the empty packet that may end it
        raise DamagedLog("an event does not have the stated length")

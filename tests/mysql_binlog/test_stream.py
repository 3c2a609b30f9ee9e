"""What servers sent of their logs, as it was and damaged: the right keys, or an error of ours."""

from __future__ import annotations

import datetime
import random
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pymysql
import pytest
from mysql_binlog import BinlogError, DamagedLog, StalledStream, UnknownEvent, UnreadableChange
from mysql_binlog.events.codes import Code
from mysql_binlog.wire.packets import Packets, _error
from mysql_binlog.wire.stream import _events
from mysql_wire.recorded_log import Recorded, load

LOGS = {name: load(name) for name in ("mariadb", "mysql")}
DAY = datetime.date(2024, 2, 29)
KEYS = {
    ("recorded", "a"): {(1,), (2,), (11,), (12,), (77,)},
    ("recorded", "b"): {
        (DAY, "é"),
        (datetime.date(9999, 12, 31), ""),
        (datetime.date(1000, 1, 1), "y" * 20),
    },
}
logs = pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)


def split(log: Recorded) -> list[bytes]:
    """The events up to the end, each with its OK byte."""
    found, at = [], 0
    while at < len(log.packets):
        size = int.from_bytes(log.packets[at : at + 3], "little")
        found.append(log.packets[at + 4 : at + 4 + size])
        at += 4 + size
    return found[:-3]  # the tables were dropped, and then the server had no more


def joined(events: list[bytes]) -> bytes:
    return b"".join(
        len(event).to_bytes(3, "little") + bytes([(n + 1) % 256]) + event
        for n, event in enumerate(events)
    )


def sealed(event: bytes) -> bytes:
    """An event whose length and checksum are right."""
    body = event[1:10] + struct.pack("<I", len(event) - 1) + event[14:-4]
    return event[:1] + body + zlib.crc32(body).to_bytes(4, "little")


def code(event: bytes) -> int:
    return event[5]


def read(log: Recorded, events: list[bytes]) -> dict[Any, set[Any]]:
    (batch,) = log.batches(joined(events))
    return {table: set(keys) for table, keys in batch.keys.items()}


@logs
@pytest.mark.fault(172)
def test_what_was_recorded_is_read(log: Recorded) -> None:
    (batch,) = log.batches()
    assert {table: set(keys) for table, keys in batch.keys.items()} == KEYS
    assert [statement.kind for statement in batch.statements] == [
        "create", "create", "alter", "truncate"
    ]  # fmt: skip
    assert batch.position.order == log.until.order
    assert batch.position.created


def damage(event: bytes, chance: random.Random) -> bytes:
    data, at = bytearray(event), chance.randrange(1, len(event))
    how = chance.randrange(4)
    if how == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif how == 1:
        data[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, chance.randbytes(4)))
    elif how == 2:
        del data[at : at + chance.randrange(1, 40)]
    else:
        data[at:at] = chance.randbytes(chance.randrange(1, 40))
    return bytes(data)


def fuzz(seed: int, rounds: int) -> tuple[int, int]:
    """Damages one event after the other; gives how often that was found out, and how often not."""
    chance, refused, borne = random.Random(seed), 0, 0
    for _ in range(rounds):
        log = chance.choice([*LOGS.values()])
        events = split(log)
        at = chance.randrange(len(events))
        damaged = damage(events[at], chance) if len(events[at]) > 1 else b""
        whole = len(damaged) > 24 and chance.random() < 0.9
        events[at] = sealed(damaged) if whole else damaged
        try:
            read(log, events)
            borne += 1
        except (BinlogError, pymysql.err.OperationalError):
            refused += 1
    return refused, borne


@pytest.mark.fault(176)
def test_damaged_events_end_in_keys_or_in_an_error_of_ours() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    refused, borne = fuzz(seed, 800)
    assert refused > 100
    assert borne > 100


@pytest.mark.soak
@pytest.mark.fault(176)
def test_very_many_damaged_events_do_no_harm() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    fuzz(seed, 30_000)


@logs
@pytest.mark.fault(176)
def test_a_changed_byte_is_found_by_the_checksum(log: Recorded) -> None:
    events = split(log)
    for at, event in enumerate(events):
        if code(event) in (Code.ROTATE, Code.FORMAT_DESCRIPTION):
            continue
        damaged = event[:-6] + bytes([event[-6] ^ 1]) + event[-5:]
        with pytest.raises(DamagedLog):
            read(log, [*events[:at], damaged, *events[at + 1 :]])


@logs
@pytest.mark.fault(175)
def test_an_unknown_event_stops_unless_it_may_be_passed_over(log: Recorded) -> None:
    events = split(log)
    at = next(n for n, event in enumerate(events) if code(event) in (Code.WRITE_ROWS, 23))
    unknown = bytearray(events[at])
    unknown[5] = 99
    with pytest.raises(UnknownEvent, match="type 99"):
        read(log, [*events[:at], sealed(bytes(unknown)), *events[at:]])
    unknown[18] |= 0x80
    assert read(log, [*events[:at], sealed(bytes(unknown)), *events[at:]]) == KEYS


@logs
@pytest.mark.fault(175)
def test_a_gtid_of_the_other_kind_of_server_stops(log: Recorded) -> None:
    events = split(log)
    codes = [code(event) for event in events]
    own = next(each for each in codes if each in (Code.GTID, Code.GTID_TAGGED, Code.MARIADB_GTID))
    other = Code.GTID if own == Code.MARIADB_GTID else Code.MARIADB_GTID
    for at in (n for n, each in enumerate(codes) if each == own):
        changed = bytearray(events[at])
        changed[5] = other
        with pytest.raises(UnknownEvent, match=f"type {other}"):
            read(log, [*events[:at], sealed(bytes(changed)), *events[at + 1 :]])


@logs
@pytest.mark.fault(175)
def test_a_column_of_an_unknown_type_stops(log: Recorded) -> None:
    events = split(log)
    at = next(n for n, event in enumerate(events) if code(event) == Code.TABLE_MAP)
    where = events[at].index(b"recorded\0\x01a\0\x07") + 13
    unknown = events[at][:where] + bytes([200]) + events[at][where + 1 :]
    with pytest.raises(UnknownEvent, match=r"recorded\.a has a column .* \(200\)"):
        read(log, [*events[:at], sealed(unknown), *events[at + 1 :]])


@logs
@pytest.mark.fault(174)
def test_events_that_were_lost_on_the_server_stop(log: Recorded) -> None:
    events = split(log)
    at = next(n for n, event in enumerate(events) if code(event) == Code.XID) + 1
    for kind, words in ((Code.INCIDENT, "incident"), (Code.EXECUTE_LOAD_QUERY, "LOAD DATA")):
        lost = bytearray(events[at])
        lost[5] = kind
        with pytest.raises(UnreadableChange, match=words):
            read(log, [*events[:at], sealed(bytes(lost)), *events[at:]])


@logs
@pytest.mark.fault(176)
def test_packets_that_are_none_are_refused(log: Recorded) -> None:
    events = split(log)
    whole = joined(events)
    with pytest.raises(DamagedLog, match="out of sequence"):
        list(log.batches(whole[:3] + b"\x09" + whole[4:]))
    with pytest.raises(DamagedLog):
        read(log, [b"\x07", *events])
    for end in range(1, len(whole) - 1, 499):
        with pytest.raises((BinlogError, pymysql.err.OperationalError)):
            list(log.batches(whole[:end]))


def served(answer: Callable[[socket.socket], None], stall: float) -> list[int]:
    """The types of the events that a server sends, which may fall silent."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=answer, args=(theirs,))
    thread.start()
    try:
        packets = Packets(cast("pymysql.Connection[Any]", SimpleNamespace(_sock=ours)), stall)
        return [event.code for event in _events(packets, stall) if event is not None]
    finally:
        packets.close()
        ours.close()
        thread.join()
        theirs.close()


@pytest.mark.fault(177)
def test_a_server_that_falls_mute_is_given_up() -> None:
    with pytest.raises(StalledStream, match=r"nothing for 0\.2 s"):
        served(lambda _: None, 0.2)


@pytest.mark.fault(177)
def test_heartbeats_alone_are_not_progress() -> None:
    def beat(server: socket.socket) -> None:
        number = 1
        body = struct.pack("<IBIIIH", 0, Code.HEARTBEAT, 1, 32, 4, 0) + b"log.000001"
        event = b"\0" + body[:9] + struct.pack("<I", len(body)) + body[13:]
        try:
            for _ in range(200):
                server.sendall(len(event).to_bytes(3, "little") + bytes([number % 256]) + event)
                number += 1
                time.sleep(0.05)
        except OSError:
            return

    with pytest.raises(StalledStream, match="no event"):
        served(beat, 0.3)


@pytest.mark.parametrize(
    ("number", "text", "name"),
    [
        (1236, "Could not find first log file name in binary log index file", "LogPurged"),
        (1236, "Could not open log file", "LogPurged"),
        (1236, "Cannot replicate because the source purged required binary logs.", "LogPurged"),
        (1236, "Error: connecting slave requested to start from GTID 0-1-9, which is not in the "
         "master's binlog", "UnreachablePosition"),
        (1236, "Client requested source to start replication from position > file size",
         "UnreachablePosition"),
        (1236, "bogus data in log event; the first event", "UnreachablePosition"),
        (1236, "Something else", "RefusedRead"),
        (1227, "Access denied; you need REPLICATION SLAVE", "RefusedRead"),
        (1053, "Server shutdown in progress", "OperationalError"),
    ],
)  # fmt: skip
@pytest.mark.fault(173)
def test_a_servers_refusals_are_told_by_what_they_mean(number: int, text: str, name: str) -> None:
    found = _error(b"\xff" + struct.pack("<H", number) + b"#HY000" + text.encode())
    assert type(found).__name__ == name
    assert text in str(found)

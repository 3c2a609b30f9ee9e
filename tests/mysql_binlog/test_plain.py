"""What the kernel takes of a log is what Python takes: on any log, in any pieces, damaged too."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pymysql
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from mysql_binlog import BinlogError, DamagedLog
from mysql_binlog.events.codes import ARTIFICIAL, Code
from mysql_binlog.events.event import Event
from mysql_binlog.history.history import History
from mysql_binlog.plain import libzstd
from mysql_binlog.plain.expanded import Expanded
from mysql_wire.log_writer import FILE, Made, Writer, sent
from mysql_wire.recorded_log import Recorded, load

LOGS = {name: load(name) for name in ("mariadb", "mysql")}
#: With more columns than a length of one byte says, and with none but the key.
WIDE = Made("wide", ("text",) * 270 + ("int", "text"), (270,), 9)
TABLES = (
    Made("numbers", ("big", "text", "int"), (0, 2), 5),
    Made("back", ("text", "int", "blob", "big", "small"), (3, 1), 6),
    Made("texts", ("int", "long", "text", "blob"), (2, 0), 7),
    Made("halves", ("double", "text"), (0,), 8),
    WIDE,
    Made("other", ("int", "text"), (0,), 10, wanted=False),
    # A number that shares its slot with that of another table.
    Made("again", ("int",), (0,), 5 + 1024),
)
#: The first code of rows events, by whether they are compressed, and of the second version.
_ROWS = (
    (Code.WRITE_ROWS_V1, Code.WRITE_ROWS),
    (Code.MARIADB_WRITE_ROWS_COMPRESSED_V1, Code.MARIADB_WRITE_ROWS_COMPRESSED),
)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**31), 2**31 - 1) | st.integers(0, 5),
    "big": st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5),
    "small": st.integers(-3, 3),
    "text": st.sampled_from(["", "a", "é", "x" * 200]),
    "long": st.sampled_from(["", "a", "y" * 900]),
    "blob": st.sampled_from([b"", b"\0", b"z" * 70_000]),
    "double": st.sampled_from([0.0, -0.0, 1.5]),
}


@st.composite
def rows(draw: st.DrawFn, made: Made) -> tuple[int, bytes]:
    """An event of rows: its type, its body."""
    second, kind = draw(st.booleans()), draw(st.integers(0, 2))
    every = range(len(made.kinds))
    # Anything may be missing in the second image; in the first one the key is rarely.
    lacks = draw(st.sampled_from([set(), set(made.key), *({c} for c in every[:6])]))
    kept = set(made.key) if draw(st.integers(0, 9)) else set()
    present = [[c for c in every if c not in lacks or c in kept]]
    if kind == 1:
        present.append([c for c in every if c not in lacks])
    values = st.tuples(
        *(_VALUES[k] if c in made.key else st.none() | _VALUES[k] for c, k in enumerate(made.kinds))
    )
    if made is WIDE:
        values = st.builds(lambda n: (*("a",) * 270, n, None), _VALUES["int"])
    images = draw(st.lists(st.lists(values, min_size=len(present), max_size=len(present)),
                           max_size=4))  # fmt: skip
    extra = draw(st.sampled_from([b"", b"", b"abc"]))
    squeezed = not draw(st.integers(0, 3))
    body = made.rows(images, present, second=second, extra=extra, squeezed=squeezed)
    return _ROWS[squeezed][second] + kind, body


@st.composite
def logs(draw: st.DrawFn) -> Writer:
    """A log, with what is not plain here and there."""
    writer = Writer(mysql=draw(st.booleans()), checksums=draw(st.booleans()))
    writer.offset += draw(st.sampled_from([0, 0, 2**32 - 600]))
    odd = [
        lambda: writer.query("SAVEPOINT a"),
        lambda: writer.add(Code.ROWS_QUERY, b"\1a"),
        lambda: writer.add(99, b"abc", 0x80),
        lambda: writer.add(Code.HEARTBEAT, FILE.encode()),
        lambda: writer.query("BEGIN"),
    ]
    number = 9
    for _ in range(draw(st.integers(0, 8))):
        number += draw(st.sampled_from([1, 1, 1, 2, 50]))
        if not draw(st.integers(0, 9)):  # rows that no transaction has begun
            made = draw(st.sampled_from(TABLES))
            writer.add(Code.TABLE_MAP, made.map())
            writer.add(*draw(rows(made)))
        writer.server = draw(st.sampled_from([1, 1, 1, 2]))
        squeezed = writer.mysql and not draw(st.integers(0, 2))
        writer.begin(draw(st.sampled_from([number, number, 0])) if writer.mysql else number,
                     flags=draw(st.sampled_from([0, 0, 0, 1])), squeezed=squeezed,
                     tag=draw(st.sampled_from(["", "", "a", "b" * 32])))  # fmt: skip
        for _ in range(draw(st.integers(0, 4))):
            made = draw(st.sampled_from(TABLES))
            writer.add(Code.TABLE_MAP, made.map())
            for code, body in draw(st.lists(rows(made), max_size=2)):
                writer.add(code, body, draw(st.sampled_from([0] * 9 + [ARTIFICIAL])))
            if not draw(st.integers(0, 5)):
                draw(st.sampled_from(odd))()
        end = draw(st.sampled_from(["commit"] * 6 + ["COMMIT", "nothing", "ROLLBACK TO a"]))
        if end == "commit":
            writer.commit()
        elif end != "nothing":
            writer.query(end)
        if squeezed:
            writer.squeeze(whole=draw(st.sampled_from([None] * 5 + [0, 100])))
        if not draw(st.integers(0, 5)):
            writer.query("TRUNCATE TABLE numbers")
    return writer


def outcome(log: Recorded, packets: bytes | None = None, **how: Any) -> object:
    """What a reading gives, or the error that it ends with."""
    try:
        (batch,) = log.batches(packets, **how)
    except BinlogError as error:
        return type(error), None if isinstance(error, DamagedLog) else str(error)
    except pymysql.err.MySQLError as error:
        return type(error), str(error)
    keys = {table: list(found.items()) for table, found in batch.keys.items()}
    return batch.position, keys, batch.statements, batch.pending


def pieces(seed: int) -> Iterator[int]:
    """Sizes from a byte to 64 KB."""
    chance = random.Random(seed)
    while True:
        yield chance.choice([1, 1, 2, 3, 5, 20, 300, 2**16])


def damaged(event: bytes, chance: random.Random) -> bytes:
    """An event with some bytes changed, whose length and checksum are mostly right all the same."""
    data, at = bytearray(event), chance.randrange(5, len(event))
    how = chance.randrange(4)
    if how == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif how == 1:
        data[at] = chance.choice([0, 1, 250, 251, 252, 255])
    elif how == 2:
        del data[at : at + chance.randrange(1, 9)]
    else:
        data[at:at] = chance.randbytes(chance.randrange(1, 9))
    if len(data) < 24:
        return event
    if not chance.randrange(9):  # and the checksum of what it was
        return bytes(data)
    body = data[1:10] + struct.pack("<I", len(data) - 1) + data[14:-4]
    return bytes(data[:1] + body + zlib.crc32(body).to_bytes(4, "little"))


def same_in_pieces(writer: Writer, seed: int, early: int) -> None:
    ends = [int.from_bytes(event[14:18], "little") for event in writer.events]
    until = ends[max(0, len(ends) - early - 1)] if writer.offset < 2**32 else None
    log = writer.recorded(TABLES, until)
    plain = outcome(log, plain=False)
    assert outcome(log) == plain
    assert outcome(log, pieces=pieces(seed)) == plain


def same_if_damaged(writer: Writer, seed: int, times: int) -> None:
    log, chance = writer.recorded(TABLES), random.Random(seed)
    events = split(log.packets)
    for _ in range(times):
        at = chance.randrange(len(events) - 1)
        events[at] = damaged(events[at], chance)
    packets = sent(events)
    assert outcome(log, packets) == outcome(log, packets, plain=False)


any_log = given(writer=logs(), seed=st.integers(0, 2**32), number=st.integers(0, 4))


@pytest.mark.fault(200)
@settings(max_examples=100)
@any_log
def test_the_kernel_takes_what_python_takes(writer: Writer, seed: int, number: int) -> None:
    same_in_pieces(writer, seed, number)
    same_if_damaged(writer, seed, number)


@pytest.mark.soak
@pytest.mark.fault(200)
@settings(max_examples=1_000)
@any_log
def test_of_very_many_logs_the_kernel_takes_what_python_takes(
    writer: Writer, seed: int, number: int
) -> None:
    same_in_pieces(writer, seed, number)
    same_if_damaged(writer, seed, number)


@pytest.mark.fault(200)
def test_what_comes_behind_the_end_is_not_taken() -> None:
    log = Writer()
    log.begin(10)
    log.commit()
    end = log.offset
    log.offset = end - 65  # so that a transaction begins that says to end there as well
    log.begin(11)
    assert int.from_bytes(log.events[-2][14:18], "little") == end
    recorded = log.recorded([], end)
    assert outcome(recorded) == outcome(recorded, plain=False)
    (batch,) = recorded.batches()
    assert batch.position.order == (1, end)


@pytest.mark.fault(200)
def test_rows_that_no_transaction_has_begun_end_where_python_says() -> None:
    made, log = TABLES[0], Writer()
    for number in range(3):
        log.add(Code.TABLE_MAP, made.map())
        log.add(Code.WRITE_ROWS, made.rows([[(number, "a", 1)]], [range(3)]))
    recorded = log.recorded(TABLES)
    (batch,) = recorded.batches()
    assert len(batch.keys["made", "numbers"]) == 3
    assert outcome(recorded) == outcome(recorded, plain=False)


@pytest.mark.fault(200)
def test_an_end_that_is_not_in_the_file_is_none() -> None:
    log = Writer()
    log.begin(10)
    log.commit(ARTIFICIAL)
    recorded = log.recorded([])
    assert outcome(recorded) == outcome(recorded, plain=False)


@pytest.mark.fault(200)
@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 4096, 2**16])
def test_a_log_that_comes_in_pieces_of_any_size(log: Recorded, size: int) -> None:
    assert outcome(log, pieces=iter(lambda: size, 0)) == outcome(log, plain=False)


@pytest.mark.fault(200)
@pytest.mark.parametrize("least", [2**19, 2**24 - 1, 2**25 - 2])
def test_events_that_are_as_large_as_packets_are(least: int) -> None:
    """Those that the buffer just holds and just does not, and that fill one packet, or two."""
    made, log = Made("large", ("int", "blob", "blob", "blob"), (0,), 5), Writer()
    for number, size in enumerate(range(least - 3, least + 3)):
        log.begin(number + 1)
        log.add(Code.TABLE_MAP, made.map())
        body = made.rows([[(number, b"", b"", b"")]], [range(4)])
        # The OK byte, the header and the checksum are in the packet too, and in the buffer its own.
        room = size - len(body) - 24 - 4 * (least == 2**19)
        blobs = [b"x" * (room // 3), b"y" * (room // 3), b"z" * (room - 2 * (room // 3))]
        log.add(Code.WRITE_ROWS, made.rows([[(number, *blobs)]], [range(4)]))
        log.commit()
    (batch,) = log.recorded([made]).batches()
    assert batch.keys["made", "large"] == dict.fromkeys(((n,) for n in range(6)), "write")
    assert batch.position.offset == log.offset


def many(transactions: int, form: str) -> Recorded:
    """A log of small transactions, in one of `FORMS`."""
    made, log = Made("many", ("text", "big"), (1,), 5), Writer(mysql="mariadb" not in form)
    in_rows = form == "compressed mariadb"
    code = _ROWS[in_rows][True] + 1
    for number in range(transactions):
        log.begin(number + 1, squeezed=form == "compressed mysql", tag="a" * (form == "tagged"))
        if log.mysql:
            log.add(Code.ROWS_QUERY, b"\1a")
        log.add(Code.TABLE_MAP, made.map())
        images = [("a", number), ("b", number)]
        log.add(code, made.rows([images], [range(2)] * 2, squeezed=in_rows))
        log.commit()
        if log.inner is not None:
            log.squeeze()
    return log.recorded([made])


FORMS = ("mysql", "mariadb", "compressed mysql", "compressed mariadb", "tagged")


@pytest.mark.fault(200)
@pytest.mark.parametrize("form", FORMS)
def test_ordinary_transactions_never_come_to_python(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    take = History.take

    def watched(self: History, event: Event) -> Iterator[None] | None:
        seen.append(event.code)
        return take(self, event)

    monkeypatch.setattr(History, "take", watched)
    recorded = many(3_000, form)
    (batch,) = recorded.batches()
    assert len(batch.keys["made", "many"]) == 3_000
    # The file's first event, and the table when it first comes.
    first = Code.TRANSACTION_PAYLOAD if form == "compressed mysql" else Code.TABLE_MAP
    assert seen == [Code.FORMAT_DESCRIPTION, first]
    assert outcome(recorded) == outcome(recorded, plain=False)


@pytest.mark.fault(200)
@pytest.mark.parametrize("system", [True, False], ids=["the system's zstd", "Python's"])
def test_transactions_are_decompressed_with_the_systems_library_and_without_it(
    system: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expanded: list[int] = []
    expand = Expanded._expand

    def counted(self: Expanded, method: int, data: memoryview, want: int) -> int:
        expanded.append(want)
        return expand(self, method, data, want)

    monkeypatch.setattr(Expanded, "_expand", counted)
    if not system:
        monkeypatch.setattr(libzstd, "library", lambda: None)
    recorded = many(300, "compressed mysql")
    assert outcome(recorded) == outcome(recorded, plain=False)
    assert bool(expanded) == (not system)


def test_a_system_without_the_library_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libzstd, "_NAME", "libnosuch.so.1")
    assert libzstd.library.__wrapped__() is None


@pytest.mark.parametrize("form", ["compressed mysql", "compressed mariadb"])
def test_a_signal_while_something_is_decompressed_ends_the_reading(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Expanded, "_expand", interrupted)
    monkeypatch.setattr(libzstd, "library", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        list(many(3, form).batches())


@pytest.mark.soak
@pytest.mark.fault(200)
def test_very_many_damaged_logs_are_taken_alike() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    alike(seed, 20_000)


@pytest.mark.soak
@pytest.mark.fault(200)
def test_damaged_logs_do_no_harm_under_sanitizers(project_root: Path, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source = project_root / "plugins/mysql-binlog/mysql_binlog/plain/kernel.c"
    subprocess.run(
        ["gcc", "-std=c11", "-g", "-O1", "-fPIC", "-shared", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", source, "-o", tmp_path / "_mysql_binlog_kernel.so"],
        check=True,
    )  # fmt: skip
    asan = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    folders = [tmp_path, project_root / "tests/harness", Path(__file__).parent]
    environment = {"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc",
                   "PYTHONPATH": os.pathsep.join(map(str, folders))}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", f"import test_plain; test_plain.alike({seed}, 3000, alone=True)"],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


def alike(seed: int, rounds: int, **how: Any) -> None:
    """Damages recorded and written logs, and holds both readings against each other."""
    chance = random.Random(seed)
    written = [many(20, form) for form in FORMS]
    for _ in range(rounds):
        log = chance.choice([*LOGS.values(), *written])
        events = split(log.packets)
        at = chance.randrange(len(events) - 1)
        if len(events[at]) > 24:
            events[at] = damaged(events[at], chance)
        packets = sent(events)
        found, wanted = outcome(log, packets, **how), outcome(log, packets, plain=False)
        if found != wanted and events[at][5] == Code.TRANSACTION_PAYLOAD and two_decoders():
            with mock.patch.object(libzstd, "library", return_value=None):
                found = outcome(log, packets, **how)
        assert found == wanted


def two_decoders() -> bool:
    """Whether the kernel and Python decompress by different versions of zstd.

    A later one finds damage that an earlier one takes: 1.5.7 has more checks than Debian's 1.5.4.
    """
    library = libzstd.library()
    major, minor, patch = zstandard.ZSTD_VERSION
    number = (major * 100 + minor) * 100 + patch
    return library is not None and library.ZSTD_versionNumber() != number


def split(packets: bytes) -> list[bytes]:
    """Packets without their headers."""
    found, at = [], 0
    while at < len(packets):
        size = int.from_bytes(packets[at : at + 3], "little")
        found.append(packets[at + 4 : at + 4 + size])
        at += 4 + size
    return found


@pytest.mark.fault(200)
def test_damaged_recorded_logs_are_taken_alike() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    alike(seed, 400)


@pytest.mark.fault(200)
def test_damage_that_one_version_of_zstd_takes_and_another_does_not() -> None:
    alike(3566759355, 92)

"""What is decided without a server: literals, windows, errors, ranges, bookmarks."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mysql_binlog import Position
from tap_mysql.binlog.bookmark import LogBookmark, LogIdentity
from tap_mysql.extraction.parallel import together
from tap_mysql.incremental import window
from tap_mysql.incremental.bookmark import Bookmark, Edge, FirstLoad, Identity
from tap_mysql.incremental.failover import carried_over
from tap_mysql.query import sql
from tap_mysql.query.key_ranges import split
from tap_mysql.query.sql import Range
from tap_mysql.source.error_codes import Cure, cure_of
from tap_mysql.source.replica_lag import Channel, channel
from tap_mysql.source.replica_lag import decide as lag_of
from tap_mysql.source.schema import Table
from tap_mysql.source.session.server_identity import Server
from tap_mysql.values import key_values
from tap_mysql.values.key_values import Lookback
from tap_mysql.values.own_part import OWN
from tidemark_core.errors import SourceError, StateError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType
from tidemark_singer.tap import read_state

TABLE = TableName("s", "t")
TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
VALUES = st.one_of(st.integers(), TIMES, st.dates(), st.text(), st.binary(), st.decimals(
    allow_nan=False, allow_infinity=False, places=3))  # fmt: skip


@pytest.mark.security(15)
@given(VALUES)
def test_no_value_can_leave_its_literal(value: Any) -> None:
    text = key_values.literal(value)
    inside = text.removeprefix("_utf8mb4 ").removeprefix("X").strip("'")
    assert not set(inside) & set("'\\\"`;#")
    assert "--" not in inside


def test_a_timestamp_literal_has_no_zone_and_all_its_digits() -> None:
    assert key_values.literal(datetime(1, 2, 3, 4, 5, 6, 7)) == "'0001-02-03 04:05:06.000007'"


@given(st.lists(VALUES, min_size=1).map(tuple))
def test_keys_survive_the_bookmark(key: tuple[Any, ...]) -> None:
    assert key_values.unpack(key_values.pack(key)) == key


@given(TIMES)
def test_timestamps_survive_the_state(moment: datetime) -> None:
    kind = ColumnType("timestamp", precision=6)
    assert key_values.parse_state(kind, key_values.to_state(moment)) == moment


@given(st.integers(-(2**63), 2**64 - 1))
def test_numbers_survive_the_state(number: int) -> None:
    assert key_values.parse_state(ColumnType("int64"), key_values.to_state(number)) == number


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))),
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
)
def test_beyond_and_up_to_part_the_rows_in_two(
    rows: list[tuple[int, int, int]], key: tuple[int, int, int]
) -> None:
    def holds(condition: str, row: tuple[int, int, int]) -> bool:
        text = condition.replace(" = ", " == ").replace("AND", "and").replace("OR", "or")
        return bool(eval(text.replace("`", ""), dict(zip("abc", row, strict=True))))

    for row in rows:
        assert holds(sql.beyond("abc", key), row) == (row > key)
        assert holds(sql.up_to("abc", key), row) == (row <= key)


@given(st.integers(0, 200), st.integers(1, 9))
def test_ranges_cover_all_keys_once(rows: int, chunks: int) -> None:
    whole = Range(TABLE, ("x",), ("id",))
    present = [n * n for n in range(rows)]

    def ask(query: str) -> list[tuple[object, ...]]:
        if "COUNT" in query:
            return [(len(present),)]
        after = int(query.split("`id` > ")[1].split()[0]) if "`id` > " in query else -1
        left = [key for key in present if key > after]
        offset = int(query.rsplit(" ", 1)[1])
        return [(left[offset],)] if offset < len(left) else []

    parts = split(whole, chunks, ask, Table(TABLE, ()), least_rows=1)
    assert len(parts) <= max(chunks, 1)
    assert parts[0].after is None
    assert parts[-1].until is None
    assert [p.until for p in parts[:-1]] == [p.after for p in parts[1:]]
    assert {p.where for p in parts} == {("x",)}


NOW = datetime(2024, 5, 1)


@pytest.mark.fault(11)
@given(TIMES, st.integers(0, 10**6))
def test_the_bookmark_never_passes_the_sources_clock(greatest: datetime, seconds: int) -> None:
    decided = window.decide(Bookmark(), greatest, NOW, Lookback(seconds=seconds))
    reached = window.advanced(None, greatest, decided.cap)
    assert isinstance(reached, datetime)
    assert reached <= NOW
    assert decided.upper == greatest


@given(st.integers(), st.integers(), st.integers())
def test_the_bookmark_never_goes_back(old: int, read: int, cap: int) -> None:
    assert window.advanced(old, read, cap) >= old  # type: ignore[operator]


def test_a_window_begins_before_the_bookmark() -> None:
    bookmark = Bookmark(datetime(2024, 1, 1))
    decided = window.decide(bookmark, datetime(2024, 2, 1), NOW, Lookback(seconds=300))
    assert decided.lower == datetime(2024, 1, 1) - timedelta(seconds=300)
    assert window.decide(Bookmark(5), 9, NOW, Lookback(ids=3)).lower == 2
    assert window.decide(Bookmark(datetime.min), NOW, NOW, Lookback(9)).lower == datetime.min


IDENTITY = Identity(TABLE, "id", ColumnType("int64"))
EDGES = st.builds(Edge, st.integers(), st.integers(0), st.text(st.characters(categories=["Nd"])))
PAIRS = st.tuples(
    st.none() | st.tuples(st.integers(), st.text()), st.none() | st.tuples(st.dates(), st.binary())
)
LOADS = st.builds(
    FirstLoad, st.integers(), st.just(("a", "b")), st.lists(PAIRS).map(tuple),
    st.none() | st.integers(), st.none() | EDGES,
)  # fmt: skip
INT64 = st.integers(-(2**63), 2**63 - 1)


SERVER = Server({"server_uuid": "5f0c"}, "db-1:3306")


@given(INT64, st.none() | EDGES, st.none() | st.just(SERVER))
def test_a_bookmark_comes_back(value: int, edge: Edge | None, server: Server | None) -> None:
    if edge is not None and isinstance(edge.lower, int) and abs(edge.lower) > 2**63:
        return
    bookmark = Bookmark(value, edge, server=server)
    identity = replace(IDENTITY, server=server)
    assert identity.read(json.loads(json.dumps(identity.write(bookmark)))) == bookmark


LOG_IDENTITY = LogIdentity(TABLE, ("id",))
LOG_BOOKMARK = LogBookmark(
    Position("log.000001", 4, "", "s", "mysql"), datetime(2024, 1, 1), datetime(2024, 1, 1), ("id",)
)


@pytest.mark.parametrize(
    ("identity", "written"),
    [(IDENTITY, IDENTITY.write(Bookmark(7))), (LOG_IDENTITY, LOG_IDENTITY.write(LOG_BOOKMARK))],
    ids=["by a key", "by the log"],
)
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"version": 2}, "has version 2"),
        ({"version": None}, "has version None"),
        ({"table": "shop.other"}, "belongs to table shop.other"),
        ({"table": None}, "belongs to table None"),
    ],
)
def test_a_bookmark_of_another_version_or_table_is_refused(
    identity: Identity | LogIdentity, written: dict[str, Any], changed: dict[str, Any], says: str
) -> None:
    assert identity.read(written)
    with pytest.raises(StateError, match=says):
        identity.read(written | {OWN: written[OWN] | changed})


def test_a_server_is_known_by_its_identity_and_not_by_its_name() -> None:
    assert replace(SERVER, name="db-1.internal:3306") == SERVER
    assert replace(SERVER, identity={"server_uuid": "5f0d"}) != SERVER
    # Those of a state file, which anybody may have written, are not said to a server.
    assert "nonsense" not in replace(SERVER, identity={"nonsense": "1", "port": "1"}).guard


@pytest.mark.fault(38)
@given(INT64, INT64, st.none() | INT64)
def test_a_bookmark_of_another_server_says_no_more_than_is_true_here(
    value: int, upper: int, greatest: int | None
) -> None:
    load = FirstLoad(upper, ("id",), ((None, None),), value, Edge(1, 1, "1"), upper)
    for bookmark in (Bookmark(value, Edge(1, 1, "1")), Bookmark(first_load=load)):
        kept = carried_over(bookmark, greatest)
        if greatest is None:
            assert kept == Bookmark()
        elif kept.first_load is None:
            assert kept.value == min(value, greatest)
            assert (kept.edge is None) == (greatest < value)
        else:
            there = kept.first_load
            assert there.left == load.left
            assert there.edge is None
            assert (there.upper, there.cap) == (min(upper, greatest), min(upper, greatest))
            assert there.greatest == min(value, greatest)


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Seconds_Behind_Source": 7,
          "Last_IO_Errno": 0, "Last_SQL_Errno": 0, "Channel_Name": ""},
         Channel("", 7, "Yes", "Yes", ())),
        ({"Slave_IO_Running": "Connecting", "Slave_SQL_Running": "No", "Last_IO_Errno": 2003,
          "Seconds_Behind_Master": None, "Last_SQL_Errno": 1062, "Connection_name": "eu"},
         Channel("eu", None, "Connecting", "No", ("2003", "1062"))),
    ],
)  # fmt: skip
def test_a_replicas_status_is_read_in_either_servers_words(
    words: dict[str, Any], found: Channel
) -> None:
    assert channel(words) == found


@pytest.mark.fault(13)
def test_of_several_channels_the_slowest_counts() -> None:
    channels = [Channel("a", 3, "Yes", "Yes", ()), Channel("b", 90, "Yes", "Yes", ())]
    assert lag_of(channels, 0) == lag_of(channels, 90) == timedelta(seconds=91)
    with pytest.raises(SourceError, match="90 s behind") as caught:
        lag_of(channels, 89)
    assert caught.value.retryable
    halted = [*channels, Channel("c", None, "Yes", "No", ("1062",))]
    assert lag_of(halted, 0) is None
    with pytest.raises(SourceError, match=r"channel c: .* error 1062") as caught:
        lag_of(halted, 10**6)
    assert not caught.value.retryable
    assert lag_of([], 1) == timedelta(0)


@pytest.mark.fault(13)
@given(TIMES, st.integers(0, 10**6))
def test_the_bookmark_never_passes_what_a_replica_has_applied(
    greatest: datetime, seconds: int
) -> None:
    lag = timedelta(seconds=seconds)
    decided = window.decide(Bookmark(), greatest, NOW, Lookback(), lag)
    assert decided.cap == min(greatest, NOW - lag)
    assert decided.has_future == (greatest > NOW)


def test_a_first_load_comes_back() -> None:
    load = FirstLoad(
        upper=9,
        order=("a", "b"),
        left=((None, (1, "x")), ((date(1, 1, 1), Decimal("1.50")), None)),
        greatest=4,
        edge=Edge(3, 1, "5"),
    )
    bookmark = Bookmark(first_load=load)
    assert IDENTITY.read(IDENTITY.write(bookmark)) == bookmark


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.mark.fault(20)
def test_a_state_nested_without_end_is_a_damaged_one() -> None:
    with pytest.raises(StateError, match="not Singer state"):
        read_state(io.StringIO("[" * 100_000))


@pytest.mark.fault(20)
@given(JSON, st.sampled_from(["replication_key_value", "tidemark"]), JSON)
def test_no_state_breaks_the_grammar(state: Any, field: str, value: Any) -> None:
    for candidate in (state, {"replication_key": "id", field: value}):
        try:
            read = IDENTITY.read(candidate)
        except StateError:
            continue
        given_nothing = not candidate or all(
            name in ("starting_replication_value", "replication_key_signpost") or entry is None
            for name, entry in candidate.items()
        )
        assert given_nothing == (read == Bookmark())


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (1213, Cure.RETRY),
        (1205, Cure.RETRY),
        (1040, Cure.RETRY),
        (1461, Cure.RETRY),
        (1615, Cure.RETRY),
        (2013, Cure.RETRY),
        (1317, Cure.SMALLER),
        (3024, Cure.SMALLER),
        (1969, Cure.SMALLER),
        (1412, Cure.REDISCOVER),
        (1231, Cure.REDISCOVER),
        (1193, Cure.REDISCOVER),
        (1142, Cure.STOP),
        (1153, Cure.STOP),
        (0, Cure.STOP),
    ],
)
@pytest.mark.fault(32)
@pytest.mark.fault(39)
def test_errors_are_told_apart(number: int, cure: Cure) -> None:
    assert cure_of(number) is cure


def test_jobs_work_together_and_all_items_arrive() -> None:
    items = list(together([3, 1, 2], 2, lambda n: range(n)))
    assert sorted(i for i in items if i[1] is not None) == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0),
                                                            (2, 1)]  # fmt: skip
    assert sorted(n for n, item in items if item is None) == [0, 1, 2]


def test_an_error_is_raised_after_what_others_finished_and_no_thread_stays() -> None:
    def work(number: int) -> Any:
        yield number
        if number == 1:
            raise ValueError("one")

    items = together([0, 1, 2, 3], 1, work)
    assert [next(items) for _ in range(3)] == [(0, 0), (0, None), (1, 1)]
    with pytest.raises(ValueError, match="one"):
        next(items)
    assert not [t for t in threading.enumerate() if t.name.startswith("range-") and t.is_alive()]

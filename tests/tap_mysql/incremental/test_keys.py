"""Keys are never changed, and a row that changes near the bookmark is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tidemark_core.errors import SourceError

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

UPDATED = "update_at DATETIME NOT NULL, KEY (update_at)"


# -- keys that would be changed


def cp932(source: Source) -> None:
    source.make("changed", "k VARCHAR(9) CHARACTER SET cp932 COLLATE cp932_bin PRIMARY KEY, v INT")
    source.sql("INSERT INTO changed VALUES (_cp932 X'81E0', 1), (_cp932 X'8790', 2)")


def beyond_ascii(source: Source) -> None:
    source.make("changed", "k VARCHAR(9) CHARACTER SET ascii PRIMARY KEY, v INT")
    source.sql_with("sql_mode = ''", "INSERT INTO changed VALUES ('a', 1), (X'87', 2)")
    if source.sql("SELECT HEX(k) FROM changed WHERE v = 2") != [("87",)]:
        pytest.skip("the server takes no more than seven bits")


def surrogates(source: Source) -> None:
    source.make("changed", "k VARCHAR(9) CHARACTER SET ucs2 COLLATE ucs2_bin PRIMARY KEY, v INT")
    source.sql("INSERT INTO changed VALUES ('a', 1)")
    source.sql("UPDATE changed SET k = CONCAT(k, CAST(X'D800' AS CHAR CHARACTER SET ucs2))")
    if source.sql("SELECT HEX(k) FROM changed") != [("0061D800",)]:
        pytest.skip("the server takes no half of a surrogate")


def zero_dates(kind: str) -> Callable[[Source], None]:
    def make(source: Source) -> None:
        source.make("changed", f"k {kind} NOT NULL PRIMARY KEY, v INT")
        source.sql_with(
            "sql_mode = ''", "INSERT INTO changed VALUES ('0000-00-00', 1), ('2022-01-01', 2)"
        )

    return make


@pytest.mark.fault(113)
@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize(
    ("make", "key"),
    [
        (cp932, "k=0x8790"),
        (beyond_ascii, "k=0x87"),
        (surrogates, "k="),
        (zero_dates("DATE"), "k=0000-00-00"),
        (zero_dates("DATETIME"), "k=0000-00-00 00:00:00"),
        (zero_dates("TIMESTAMP"), "k=0000-00-00 00:00:00"),
    ],
    ids=["cp932", "ascii", "ucs2", "date", "datetime", "timestamp"],
)
def test_a_key_that_would_be_changed_stops_its_table_by_name(
    source: Source,
    short_pages: Callable[[int], None],
    make: Callable[[Source], None],
    key: str,
    rows: int,
) -> None:
    make(source)
    short_pages(rows)
    result = source.run(source.catalog("changed"))
    assert isinstance(result.error, SourceError), result.error
    assert "keys are never altered" in str(result.error)
    assert result.error.table == "tap_test.changed"
    assert result.error.column == "k"
    assert str(result.error.key).startswith(key)
    assert "'!tap_test-changed.*'" in str(result.error)
    assert result.of("STATE") == []


@pytest.mark.fault(113)
def test_a_replication_key_that_no_calendar_has_stops_its_table(source: Source) -> None:
    source.make("days", f"id INT PRIMARY KEY, {UPDATED}", "(1, '2024-01-01')")
    first = source.read("days", "update_at")
    for day in ("2024-02-30", "2024-11-00"):  # within the window, and beyond every other key
        source.sql_with(
            "sql_mode = 'ALLOW_INVALID_DATES'", f"REPLACE INTO days VALUES (2, '{day}')"
        )
        for state in (None, first.state):
            result = source.run(
                source.catalog("days", key="update_at"), state, backup_null_keys="read"
            )
            assert isinstance(result.error, SourceError)
            assert result.error.column == "update_at"
            assert f"update_at={day}" in str(result.error)


# -- replication keys that are no key


@pytest.fixture
def zeroes(source: Source) -> Source:
    source.make("zeroed", f"id INT PRIMARY KEY, v INT, {UPDATED}")
    return source


def add_zeroes(source: Source, *numbers: int) -> None:
    for number in numbers:
        source.sql_with("sql_mode = ''", f"INSERT INTO zeroed VALUES ({number}, 1, 0)")


@pytest.mark.fault(114)
def test_zero_dates_are_refused_as_null_keys_are(zeroes: Source) -> None:
    add_zeroes(zeroes, 1, 2)
    chosen = zeroes.catalog("zeroed", key="update_at")

    def refused(result: Result, count: int) -> None:
        assert isinstance(result.error, SourceError)
        assert f"{count} rows have no replication key (NULL or a zero date)" in str(result.error)
        assert result.error.column == "update_at"
        assert "BACKUP_NULL_KEYS=read" in str(result.error)

    refused(zeroes.run(chosen), 2)
    zeroes.sql("UPDATE zeroed SET update_at = '2024-01-01'")
    first = zeroes.read("zeroed", "update_at")
    add_zeroes(zeroes, 3)
    refused(zeroes.run(chosen, first.state), 1)


@pytest.mark.fault(114)
@pytest.mark.parametrize("kind", ["DATE", "DATETIME(6)", "TIMESTAMP(3)"])
def test_zero_dates_are_read_whenever_they_change(zeroes: Source, kind: str) -> None:
    zeroes.make("zeroed", f"id INT PRIMARY KEY, v INT, update_at {kind} NOT NULL, KEY (update_at)")
    read: dict[str, Any] = {"backup_null_keys": "read"}
    add_zeroes(zeroes, 1, 2)
    first = zeroes.read("zeroed", "update_at", **read)
    assert first.ids("zeroed") == [1, 2]
    assert zeroes.read("zeroed", "update_at", first.state, **read).messages == []
    zeroes.sql("INSERT INTO zeroed VALUES (3, 1, '2024-01-01')")
    second = zeroes.read("zeroed", "update_at", first.state, **read)
    assert set(second.ids("zeroed")) == {1, 2, 3}
    zeroes.sql_with("sql_mode = ''", "UPDATE zeroed SET v = 2 WHERE id = 2")
    third = zeroes.read("zeroed", "update_at", second.state, **read)
    assert (2, 2) in {(row["id"], row["v"]) for row in third.rows("zeroed")}
    assert zeroes.read("zeroed", "update_at", third.state, **read).messages == []


# -- the fingerprint of the rows near the bookmark


@pytest.fixture
def packet(source: Source) -> Iterator[int]:
    """A max_allowed_packet that is soon filled."""
    ((usual,),) = source.sql("SELECT @@global.max_allowed_packet")
    source.sql("SET GLOBAL max_allowed_packet = 1048576")
    yield 2**20
    source.sql("SET GLOBAL max_allowed_packet = %s", usual)


@pytest.mark.fault(115)
def test_a_row_whose_columns_together_exceed_the_packet_is_seen_to_change(
    source: Source, packet: int
) -> None:
    source.make("big", f"id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT, v INT, {UPDATED}")
    half = packet // 3  # its HEX is longer than half a packet
    source.sql("INSERT INTO big VALUES (1, REPEAT('a', %s), REPEAT('b', %s), 1, NOW())", half, half)
    first = source.read("big", "update_at")
    assert source.read("big", "update_at", first.state).messages == []
    source.sql("UPDATE big SET v = 2")
    second = source.read("big", "update_at", first.state)
    assert [row["v"] for row in second.rows("big")] == [2]


@pytest.mark.fault(115)
def test_a_fingerprint_that_cannot_be_computed_is_a_changed_one(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("unhashed", f"id INT PRIMARY KEY, v INT, {UPDATED}", "(1, 1, '2024-01-01')")
    monkeypatch.setattr("tap_mysql.query.sql._short", lambda _: "NULL")
    first = source.read("unhashed", "update_at")
    assert first.bookmark("unhashed")["tidemark"].get("edge") is None
    assert source.read("unhashed", "update_at", first.state).ids("unhashed") == [1]


@pytest.mark.fault(115)
def test_a_float_that_changes_in_its_last_digit_is_seen(source: Source) -> None:
    source.make("floats", f"id INT PRIMARY KEY, f FLOAT, {UPDATED}", "(1, 1.2345678, '2024-01-01')")
    first = source.read("floats", "update_at")
    source.sql("UPDATE floats SET f = 1.2345679")
    assert source.read("floats", "update_at", first.state).ids("floats") == [1]


@pytest.mark.fault(170)
def test_a_shape_that_is_none_is_read_once_and_is_seen_to_change(source: Source) -> None:
    source.make("shapes", f"id INT PRIMARY KEY, {UPDATED}", "(1, '2024-01-01')")
    # MySQL adds no NOT NULL where there are rows.
    null = "NULL" if source.is_mysql else "NOT NULL"
    source.sql(f"ALTER TABLE shapes ADD COLUMN g GEOMETRY {null}")
    first = source.read("shapes", "update_at")
    assert [row["g"] for row in first.rows("shapes")] == [None]
    assert source.read("shapes", "update_at", first.state).messages == []
    source.sql("UPDATE shapes SET g = ST_GeomFromText('POINT(1 2)')")
    second = source.read("shapes", "update_at", first.state)
    assert len(second.rows("shapes")[0]["g"]) == 21
    source.sql("UPDATE shapes SET g = ST_GeomFromText('POINT(1 3)')")
    assert source.read("shapes", "update_at", second.state).ids("shapes") == [1]

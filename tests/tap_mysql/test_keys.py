"""Keys arrive as they are: compared by the server, gone on with at any page, or refused by name."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tap_mysql.pages import Pages
from tidemark_core.errors import SourceError

if TYPE_CHECKING:
    from conftest import Result, Source

UPDATED = "update_at DATETIME NOT NULL, KEY (update_at)"


@dataclass(frozen=True)
class Kind:
    """A type of key, and SQL literals of its values.

    Attributes:
        only: The server that has it; empty: both.
    """

    sql: str
    values: st.SearchStrategy[str]
    only: str = ""


def decimals(digits: int, scale: int) -> st.SearchStrategy[str]:
    whole = st.integers(1 - 10**digits, 10**digits - 1)
    tiny = st.integers(-999, 999)
    return st.one_of(whole, tiny).map(lambda n: format(Decimal(n).scaleb(-scale), "f"))


def texts(introducer: str, encoding: str, characters: str) -> st.SearchStrategy[str]:
    """Short texts of few characters, many of them alike to one collation or another."""
    words = st.text(st.sampled_from(characters), max_size=4)
    long = words.map(lambda word: "x" * 300 + word)
    return st.one_of(words, long).map(lambda w: f"{introducer} X'{w.encode(encoding).hex()}'")


def quoted(values: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    return values.map(lambda value: f"'{value}'")


ALIKE = "aAbäÄß \tz\0é😀한"
UTF8 = texts("_utf8mb4", "utf-8", ALIKE)
BYTES = st.binary(max_size=6).map(lambda value: f"X'{value.hex()}'")
#: Fifteen digits and an exponent that str() would write: 1.23E-7.
SMALL = st.integers(1, 10**18).map(lambda n: format(Decimal(n).scaleb(-30), "f"))
KINDS = (
    Kind("TINYINT", st.integers(-128, 127).map(str)),
    Kind("INT UNSIGNED", st.integers(0, 2**32 - 1).map(str)),
    Kind("BIGINT", st.integers(-(2**63), 2**63 - 1).map(str)),
    Kind("BIGINT UNSIGNED", st.integers(0, 2**64 - 1).map(str)),
    Kind("DECIMAL(10,7)", decimals(10, 7)),
    Kind("DECIMAL(18,18)", decimals(18, 18)),
    Kind("DECIMAL(38,0)", decimals(38, 0)),
    Kind("DECIMAL(38,30)", st.one_of(decimals(38, 30), SMALL)),
    Kind("DECIMAL(65,30)", st.one_of(decimals(65, 30), SMALL)),
    Kind("YEAR", st.one_of(st.just(0), st.integers(1901, 2155)).map(lambda y: f"'{y:04d}'")),
    Kind("DATE", quoted(st.dates())),
    Kind("DATETIME(6)", quoted(st.datetimes())),
    Kind("TIMESTAMP(6)", st.integers(10**6, 2**31 * 10**6 - 10**6).map(
        lambda n: f"FROM_UNIXTIME({n // 10**6}.{n % 10**6:06d})")),
    Kind("VARCHAR(310) COLLATE utf8mb4_bin", UTF8),
    Kind("VARCHAR(310) COLLATE utf8mb4_general_ci", UTF8),
    Kind("VARCHAR(310) COLLATE utf8mb4_unicode_ci", UTF8),
    Kind("VARCHAR(310) COLLATE utf8mb4_german2_ci", UTF8),
    Kind("CHAR(5) COLLATE utf8mb4_bin", texts("_utf8mb4", "utf-8", ALIKE).filter(
        lambda word: len(word) < 40)),
    Kind("VARCHAR(310) COLLATE utf8mb4_nopad_bin", UTF8, "mariadb"),
    Kind("VARCHAR(310) COLLATE utf8mb4_uca1400_ai_ci", UTF8, "mariadb"),
    Kind("VARCHAR(310) COLLATE utf8mb4_0900_ai_ci", UTF8, "mysql"),
    Kind("VARCHAR(310) COLLATE utf8mb4_0900_as_cs", UTF8, "mysql"),
    Kind("VARCHAR(310) CHARACTER SET latin1", texts("_latin1", "cp1252", "aAäß \té")),
    Kind("VARCHAR(310) CHARACTER SET latin1 COLLATE latin1_german2_ci",
         texts("_latin1", "cp1252", "aAäßsS \té")),
    Kind("VARCHAR(310) CHARACTER SET utf16", texts("_utf16", "utf-16-be", ALIKE)),
    Kind("VARCHAR(310) CHARACTER SET euckr", texts("_euckr", "euc-kr", "aA 한글")),
    Kind("VARCHAR(310) CHARACTER SET cp932 COLLATE cp932_bin", texts("_cp932", "cp932", "aA あ漢")),
    Kind("BINARY(6)", BYTES),
    Kind("VARBINARY(6)", BYTES),
    Kind("UUID", quoted(st.uuids()), "mariadb"),
)  # fmt: skip


def short_pages(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(Pages, "rows", property(lambda _: rows))


def kinds_of(source: Source) -> list[Kind]:
    return [kind for kind in KINDS if kind.only in ("", source.sandbox.config.server)]


def insert(source: Source, table: str, values: Sequence[str]) -> None:
    """Inserts rows by number, but those whose key is there already as the server compares."""
    rows = ", ".join(f"({value}, {number})" for number, value in enumerate(values))
    source.sql_with("sql_mode = ''", f"INSERT IGNORE INTO {table} VALUES {rows}")


@settings(
    max_examples=1,
    # An example is a run over some thirty tables: shrinking would take minutes.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)
@given(st.data())
@pytest.mark.fault(112)
@pytest.mark.fault(40)
def test_pages_of_any_size_over_keys_of_any_type_have_every_row_once(
    source: Source, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    kinds = {f"paged{number}": kind for number, kind in enumerate(kinds_of(source))}
    for table, kind in kinds.items():
        source.make(table, f"k {kind.sql} PRIMARY KEY, n INT")
        insert(source, table, data.draw(st.lists(kind.values, min_size=1, max_size=9)))
    short_pages(monkeypatch, data.draw(st.integers(1, 3)))
    result = source.run(source.catalog(*kinds), backup_strategy="inter-table")
    assert result.error is None
    for table, kind in kinds.items():
        there = [n for (n,) in source.sql(f"SELECT n FROM {table} ORDER BY k")]
        assert [row["n"] for row in result.rows(table)] == there, kind.sql
        keys = result.table(table).column("k").to_pylist()
        assert len(set(keys)) == len(there), kind.sql


@pytest.mark.fault(112)
def test_a_composite_key_of_text_and_decimal_is_gone_on_with(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make(
        "pair_keys", "a VARCHAR(9) COLLATE utf8mb4_bin, b DECIMAL(38,30), PRIMARY KEY (a, b)"
    )
    small = [f"('{a}', 0.0000001234567890123456780000{n:02d})" for a in "xy" for n in range(20)]
    source.sql(f"INSERT INTO pair_keys VALUES {', '.join(small)}")
    short_pages(monkeypatch, 3)
    assert len({tuple(row.values()) for row in source.read("pair_keys").rows("pair_keys")}) == 40


@pytest.mark.fault(112)
def test_long_keys_are_sorted_by_all_of_their_bytes(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("long_keys", "k VARCHAR(700) COLLATE utf8mb4_bin NOT NULL, v INT, UNIQUE (k)",
                engine="MyISAM")  # fmt: skip
    numbers = list(range(300))
    random.Random(7).shuffle(numbers)
    rows = ", ".join(f"(CONCAT(REPEAT('x', 600), {number + 1000}), 1)" for number in numbers)
    source.sql(f"INSERT INTO long_keys VALUES {rows}")
    short_pages(monkeypatch, 100)
    read = [row["k"] for row in source.read("long_keys").rows("long_keys")]
    assert len(read) == len(set(read)) == 300


# -- keys that would be changed


def cp932(source: Source) -> None:
    source.make("changed", "k VARCHAR(9) CHARACTER SET cp932 COLLATE cp932_bin PRIMARY KEY, v INT")
    source.sql("INSERT INTO changed VALUES (_cp932 X'81E0', 1), (_cp932 X'8790', 2)")


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
        (surrogates, "k="),
        (zero_dates("DATE"), "k=0000-00-00"),
        (zero_dates("DATETIME"), "k=0000-00-00 00:00:00"),
        (zero_dates("TIMESTAMP"), "k=0000-00-00 00:00:00"),
    ],
    ids=["cp932", "ucs2", "date", "datetime", "timestamp"],
)
def test_a_key_that_would_be_changed_stops_its_table_by_name(
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Source], None],
    key: str,
    rows: int,
) -> None:
    make(source)
    short_pages(monkeypatch, rows)
    result = source.run(source.catalog("changed"))
    assert isinstance(result.error, SourceError), result.error
    assert "a key is never changed on the way" in str(result.error)
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
    read = {"backup_null_keys": "read"}
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


@pytest.mark.fault(115)
def test_a_row_whose_columns_together_exceed_the_packet_is_seen_to_change(source: Source) -> None:
    source.make("big", f"id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT, v INT, {UPDATED}")
    ((packet,),) = source.sql("SELECT @@max_allowed_packet")
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
    monkeypatch.setattr("tap_mysql.sql._short", lambda _: "NULL")
    first = source.read("unhashed", "update_at")
    assert first.bookmark("unhashed")["tidemark"].get("edge") is None
    assert source.read("unhashed", "update_at", first.state).ids("unhashed") == [1]


@pytest.mark.fault(115)
def test_a_float_that_changes_in_its_last_digit_is_seen(source: Source) -> None:
    source.make("floats", f"id INT PRIMARY KEY, f FLOAT, {UPDATED}", "(1, 1.2345678, '2024-01-01')")
    first = source.read("floats", "update_at")
    source.sql("UPDATE floats SET f = 1.2345679")
    assert source.read("floats", "update_at", first.state).ids("floats") == [1]

"""Tables are read in pages of any size: every row once, whatever the type of the key."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tap_mysql.query.sql import select
from tap_mysql.reading import range_reader

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

ShortPages = Callable[[int], None]


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
#: Those of a group are read and compared alike.
GROUPS: tuple[tuple[Kind, ...], ...] = (
    (
        Kind("TINYINT", st.integers(-128, 127).map(str)),
        Kind("INT UNSIGNED", st.integers(0, 2**32 - 1).map(str)),
        Kind("BIGINT", st.integers(-(2**63), 2**63 - 1).map(str)),
        Kind("YEAR", st.one_of(st.just(0), st.integers(1901, 2155)).map(lambda y: f"'{y:04d}'")),
    ),
    (Kind("BIGINT UNSIGNED", st.integers(0, 2**64 - 1).map(str)),),
    (
        Kind("DECIMAL(10,7)", decimals(10, 7)),
        Kind("DECIMAL(18,18)", decimals(18, 18)),
    ),
    (
        Kind("DECIMAL(38,0)", decimals(38, 0)),
        Kind("DECIMAL(38,30)", st.one_of(decimals(38, 30), SMALL)),
    ),
    (Kind("DECIMAL(65,30)", st.one_of(decimals(65, 30), SMALL)),),
    (
        Kind("DATE", quoted(st.dates())),
        Kind("DATETIME(6)", quoted(st.datetimes())),
        Kind("TIMESTAMP(6)", st.integers(10**6, 2**31 * 10**6 - 10**6).map(
            lambda n: f"FROM_UNIXTIME({n // 10**6}.{n % 10**6:06d})")),
    ),
    (
        Kind("VARCHAR(310) COLLATE utf8mb4_bin", UTF8),
        Kind("CHAR(5) COLLATE utf8mb4_bin", texts("_utf8mb4", "utf-8", ALIKE).filter(
            lambda word: len(word) < 40)),
        Kind("VARCHAR(310) COLLATE utf8mb4_nopad_bin", UTF8, "mariadb"),
    ),
    (
        Kind("VARCHAR(310) COLLATE utf8mb4_general_ci", UTF8),
        Kind("VARCHAR(310) COLLATE utf8mb4_unicode_ci", UTF8),
        Kind("VARCHAR(310) COLLATE utf8mb4_german2_ci", UTF8),
        Kind("VARCHAR(310) COLLATE utf8mb4_uca1400_ai_ci", UTF8, "mariadb"),
        Kind("VARCHAR(310) COLLATE utf8mb4_0900_ai_ci", UTF8, "mysql"),
        Kind("VARCHAR(310) COLLATE utf8mb4_0900_as_cs", UTF8, "mysql"),
    ),
    (
        Kind("VARCHAR(310) CHARACTER SET latin1", texts("_latin1", "cp1252", "aAäß \té")),
        Kind("VARCHAR(310) CHARACTER SET latin1 COLLATE latin1_german2_ci",
             texts("_latin1", "cp1252", "aAäßsS \té")),
        Kind("VARCHAR(310) CHARACTER SET utf16", texts("_utf16", "utf-16-be", ALIKE)),
    ),
    (
        Kind("VARCHAR(310) CHARACTER SET euckr", texts("_euckr", "euc-kr", "aA 한글")),
        Kind("VARCHAR(310) CHARACTER SET cp932 COLLATE cp932_bin",
             texts("_cp932", "cp932", "aA あ漢")),
    ),
    (
        Kind("BINARY(6)", BYTES),
        Kind("VARBINARY(6)", BYTES),
    ),
    (Kind("UUID", quoted(st.uuids()), "mariadb"),),
)  # fmt: skip


def groups_of(source: Source) -> list[list[Kind]]:
    server = source.sandbox.config.server
    groups = ([kind for kind in group if kind.only in ("", server)] for group in GROUPS)
    return [group for group in groups if group]


def insert(source: Source, table: str, values: Sequence[str]) -> None:
    """Inserts rows by number, but those whose key is there already as the server compares."""
    rows = ", ".join(f"({value}, {number})" for number, value in enumerate(values))
    source.sql_with("sql_mode = ''", f"INSERT IGNORE INTO {table} VALUES {rows}")


def read_in_pages(
    source: Source, short_pages: ShortPages, data: st.DataObject, kinds: Sequence[Kind]
) -> None:
    """Reads a table of each kind in pages of a few rows, and expects every row once, in order."""
    tables = {f"paged{number}": kind for number, kind in enumerate(kinds)}
    for table, kind in tables.items():
        source.make(table, f"k {kind.sql} PRIMARY KEY, n INT")
        insert(source, table, data.draw(st.lists(kind.values, min_size=1, max_size=9)))
    short_pages(data.draw(st.integers(1, 3)))
    result = source.run(source.catalog(*tables), backup_strategy="inter-table")
    assert result.error is None
    for table, kind in tables.items():
        there = [n for (n,) in source.sql(f"SELECT n FROM {table} ORDER BY k")]
        assert [row["n"] for row in result.rows(table)] == there, kind.sql
        keys = result.table(table).column("k").to_pylist()
        assert len(set(keys)) == len(there), kind.sql


#: An example is a run over many tables: shrinking would take minutes.
RUNS = settings(
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)


@settings(RUNS, max_examples=1)
@given(st.data())
@pytest.mark.fault(112)
@pytest.mark.fault(40)
def test_pages_of_any_size_over_keys_of_every_group_have_every_row_once(
    source: Source, short_pages: ShortPages, data: st.DataObject
) -> None:
    kinds = [data.draw(st.sampled_from(group)) for group in groups_of(source)]
    read_in_pages(source, short_pages, data, kinds)


@settings(RUNS, max_examples=5)
@given(st.data())
@pytest.mark.soak
@pytest.mark.fault(112)
@pytest.mark.fault(40)
def test_pages_of_any_size_over_keys_of_any_type_have_every_row_once(
    source: Source, short_pages: ShortPages, data: st.DataObject
) -> None:
    read_in_pages(source, short_pages, data, [k for group in groups_of(source) for k in group])


@pytest.mark.fault(112)
def test_a_composite_key_of_text_and_decimal_is_gone_on_with(
    source: Source, short_pages: ShortPages
) -> None:
    source.make(
        "pair_keys", "a VARCHAR(9) COLLATE utf8mb4_bin, b DECIMAL(38,30), PRIMARY KEY (a, b)"
    )
    small = [f"('{a}', 0.0000001234567890123456780000{n:02d})" for a in "xy" for n in range(20)]
    source.sql(f"INSERT INTO pair_keys VALUES {', '.join(small)}")
    short_pages(3)
    assert len({tuple(row.values()) for row in source.read("pair_keys").rows("pair_keys")}) == 40


@pytest.mark.fault(112)
def test_a_table_without_an_order_is_asked_for_once(
    source: Source, short_pages: ShortPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def select_once(*words: object, **options: object) -> str:
        asked.append(query := select(*words, **options))  # type: ignore[arg-type]
        assert len(asked) == 1
        return query

    source.make("orderless", "v INT", "(1), (1), (2)")
    short_pages(1)
    monkeypatch.setattr(range_reader, "select", select_once)
    assert [row["v"] for row in source.read("orderless").rows("orderless")] == [1, 1, 2]
    assert "LIMIT" not in asked[0]


@pytest.mark.fault(112)
def test_long_keys_are_sorted_by_all_of_their_bytes(
    source: Source, short_pages: ShortPages
) -> None:
    # An index that gives no order, in engines that take one of this many bytes.
    engine = "MEMORY" if source.is_mysql else "MyISAM"
    columns = "k VARCHAR(700) COLLATE utf8mb4_bin NOT NULL, v INT, UNIQUE (k)"
    source.make("long_keys", columns, engine=engine)
    numbers = list(range(300))
    random.Random(7).shuffle(numbers)
    rows = ", ".join(f"(CONCAT(REPEAT('x', 600), {number + 1000}), 1)" for number in numbers)
    source.sql(f"INSERT INTO long_keys VALUES {rows}")
    short_pages(100)
    read = [row["k"] for row in source.read("long_keys").rows("long_keys")]
    assert len(read) == len(set(read)) == 300

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_sandbox.seed.ddl import DELIVERY, TABLES, create
from tidemark_sandbox.seed.deliveries import delivery_columns, parcel_nos
from tidemark_sandbox.seed.history import KNOWN_PARCEL, History, write_history
from tidemark_sandbox.seed.others import (
    billing_columns,
    claim_columns,
    partner_columns,
    return_columns,
    status_columns,
)
from tidemark_sandbox.seed.values import Column, datetimes, decimals, seconds, tab_separated
from tidemark_sandbox.seed.words import STATUSES

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
ROWS = 3_000
MAKERS: dict[str, Callable[[History, int], list[Column]]] = {
    "settlement_normal_delivery_detail": delivery_columns,
    "settlement_claim_detail": claim_columns,
    "partner_info": partner_columns,
    "settlement_return_detail": return_columns,
    "billing_summary": billing_columns,
    "delivery_status": status_columns,
}


@pytest.fixture(scope="module")
def history() -> History:
    return write_history(ROWS, 1, NOW)


def text(history: History) -> dict[str, bytes]:
    return {name: tab_separated(make(history, ROWS)) for name, make in MAKERS.items()}


def test_the_same_seed_gives_the_same_data(history: History) -> None:
    assert text(history) == text(write_history(ROWS, 1, NOW))


def test_another_seed_gives_other_data(history: History) -> None:
    other = text(write_history(ROWS, 2, NOW))
    assert all(one != other[name] for name, one in text(history).items())


def test_another_day_moves_the_times_and_nothing_else(history: History) -> None:
    later = write_history(ROWS, 1, NOW + timedelta(days=40))
    for name in ("parcel", "step", "status", "previous", "last", "id"):
        assert np.array_equal(getattr(history, name), getattr(later, name)), name
    assert np.array_equal(history.created + 40 * 86_400, later.created)


def test_parts_make_up_the_whole(history: History) -> None:
    whole = tab_separated(delivery_columns(history, ROWS))
    parts = [history.part(start, start + 1000) for start in range(0, ROWS, 1000)]
    assert b"".join(tab_separated(delivery_columns(part, ROWS)) for part in parts) == whole


@given(st.integers(100, 5_000), st.integers(0, 2**32))
def test_any_size_has_exactly_its_rows(rows: int, seed: int) -> None:
    history = write_history(rows, seed, NOW)
    assert len(history) == rows
    assert np.all(np.diff(history.id) > 0)
    assert np.all(np.diff(history.created) >= 0)


def test_nothing_is_in_the_future_and_the_newest_is_hours_old_at_most(history: History) -> None:
    now = seconds(NOW)
    assert max(history.created.max(), history.updated.max()) <= now
    assert now - history.created.max() < 6 * 3600
    assert 700 < (now - history.created.min()) / 86_400 < 740


def test_a_parcel_lives_in_order(history: History) -> None:
    for parcel in range(200):
        rows = np.flatnonzero(history.parcel == parcel)
        assert 0 <= len(rows) <= 6
        assert list(history.step[rows]) == list(range(len(rows)))
        assert list(history.previous[rows[1:]]) == list(history.status[rows[:-1]])
        # Written last means furthest in life: what the latest-status views rely on.
        order = sorted(rows, key=lambda at: (history.updated[at], history.created[at], at))
        assert list(order) == list(rows)
        assert [bool(last) for last in history.last[rows]] == [
            at == len(rows) - 1 for at in range(len(rows))
        ]


def test_the_known_parcel_was_delivered_in_several_steps(history: History) -> None:
    rows = np.flatnonzero(history.parcel == 0)
    assert parcel_nos(history.parcel[rows]).to_pylist() == [KNOWN_PARCEL] * 4
    assert STATUSES[history.status[rows[-1]]] == "DELIVERED"


def test_every_status_occurs_and_timestamps_tie(history: History) -> None:
    assert set(history.status) == set(range(len(STATUSES)))
    _, counts = np.unique(history.updated, return_counts=True)
    assert counts.max() > 1


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_nullable_column_has_nulls_and_the_others_have_none(
    history: History, table: object
) -> None:
    assert isinstance(table, type(DELIVERY))
    for column, (name, definition) in zip(
        MAKERS[table.name](history, ROWS), table.columns.items(), strict=True
    ):
        nullable = "NOT NULL" not in definition and name != "update_at"
        assert (column.null_count > 0) == nullable, name
        assert column.null_count < len(column), name


def test_null_keys_come_when_they_are_asked_for(history: History) -> None:
    place = list(DELIVERY.columns).index("update_at")
    column = delivery_columns(history, ROWS, null_keys=True)[place]
    assert 0 < column.null_count < ROWS * 0.005


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.integers(1, 4))
def test_decimals_are_exact(values: list[int], scale: int) -> None:
    found = decimals(np.array(values, np.int64), scale).to_pylist()
    assert [Decimal(each) for each in found] == [Decimal(v).scaleb(-scale) for v in values]
    assert all(len(each.partition(".")[2]) == scale for each in found)


@given(st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), min_size=1))
def test_datetimes_are_mysqls(moments: list[datetime]) -> None:
    whole = [moment.replace(microsecond=0) for moment in moments]
    found = datetimes(np.array([seconds(moment) for moment in whole])).to_pylist()
    assert found == [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in whole]


def unescaped(line: str) -> list[str | None]:
    """Reads a line as MariaDB's manual says that LOAD DATA does."""
    special = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "\\": "\\"}
    fields: list[str | None] = []
    for field in line.split("\t"):
        if field == "\\N":
            fields.append(None)
            continue
        found, letters = "", iter(field)
        for letter in letters:
            found += special[next(letters)] if letter == "\\" else letter
        fields.append(found)
    return fields


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8")), min_size=1, max_size=20))
def test_any_text_survives_the_file(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    lines = tab_separated([column, column]).decode().split("\n")
    assert lines.pop() == ""
    assert [unescaped(line) for line in lines] == [[each, each] for each in texts]


def test_the_delivery_table_has_its_51_columns_and_keys() -> None:
    assert len(DELIVERY.columns) == 51
    statement = create(DELIVERY, "settlement")
    for key in ("PRIMARY KEY (`ID`)", "KEY `update_at`", "KEY `ant_parcel_no`"):
        assert key in statement
    assert "KEY `update_at`" not in create(DELIVERY, "settlement", keys=False)


def test_the_other_known_tables_have_their_columns() -> None:
    counts = {table.name: len(table.columns) for table in TABLES}
    assert counts["settlement_claim_detail"] == 18
    assert counts["partner_info"] == 12
    assert "update_at" not in next(t for t in TABLES if t.name == "delivery_status").columns

"""What is kept of writes before the catalogue has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.history import History, Journal, Write, insertion
from redshift_stand_in.postgres.backend import PostgresAddress, open_as_superuser
from redshift_stand_in.postgres.cluster import PORT

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World

DAY = 86_400.0


class Kept(History):
    """A history that is not stored."""

    def __init__(self) -> None:
        super().__init__(PostgresAddress.__new__(PostgresAddress))
        self.writes: list[Write] = []

    def add(self, database: str, writes: list[Write]) -> None:
        assert database == "dev"
        self.writes += writes


@pytest.fixture
def history(world: World) -> History:
    return History(PostgresAddress(world.folder / "pg", PORT))


def stored(world: World, table: int) -> list[list[str | None]]:
    backend = open_as_superuser(PostgresAddress(world.folder / "pg", PORT), "dev")
    try:
        return backend.query(
            "select verb, rows, error_message, query_text, "
            "redshift_hidden.date_part('epoch', start_time)::bigint "
            f"from redshift_meta.writes where tbl = {table} order by query"
        )
    finally:
        backend.close()


def test_a_journal_hands_over_what_has_ended() -> None:
    kept = Kept()
    journal = Journal(kept, "anna", "dev")
    journal.begin(7, "INSERT", "insert into t values (1)", 1.0)
    journal.count("INSERT 0 3")
    journal.end(99, 2.5, ok=True)
    journal.end(99, 3.0, ok=True)
    assert kept.writes == [
        Write("anna", 99, 7, "INSERT", "insert into t values (1)", 1.0, 2.5, rows=3)
    ]


def test_a_failure_is_noted_with_its_reason_and_forgotten() -> None:
    kept = Kept()
    journal = Journal(kept, "anna", "dev")
    journal.error = "of a statement that writes nothing"
    journal.end(99, 1.0, ok=False)
    journal.begin(7, "DELETE", "x" * 5000, 1.0)
    journal.begin(8, "DELETE", "y", 1.0)
    journal.count("DELETE 4")
    journal.end(99, 2.0, ok=False)
    journal.begin(7, "INSERT", "z", 1.0)
    journal.count("COMMIT")
    journal.end(99, 2.0, ok=True)
    assert [(len(w.text), w.rows, w.error) for w in kept.writes] == [
        (4000, None, "the statement has failed"),
        (1, None, "the statement has failed"),
        (1, None, ""),
    ]


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=5))
def test_the_first_to_begin_gets_the_lowest_number(starts: list[float]) -> None:
    text = insertion([Write("anna", 1, i, "INSERT", "", at, at) for i, at in enumerate(starts)])
    found = [int(table) for table in re.findall(r"query_id'\), 1, (\d+), ", text)]
    assert [starts[i] for i in found] == sorted(starts)


def test_nobody_waits_for_the_catalogue(world: World, sql: Sql, history: History) -> None:
    odd = Write("admin", 1, 900_001, "INSERT", "it's \\ é 中 \0", 1e9, 1e9 + 1, rows=5)
    history.add("dev", [odd] * 600)
    assert stored(world, odd.table) == []
    history.flush("dev")
    assert stored(world, odd.table) == [["INSERT", "5", "", "it's \\ é 中 ", "1000000000"]] * 600
    history.flush("dev")
    assert len(stored(world, odd.table)) == 600


def test_seven_days_are_kept(world: World, sql: Sql, history: History) -> None:
    ((now,),) = sql("select extract(epoch from getdate())")
    old = [Write("admin", 1, 900_002, "INSERT", "", now - n * DAY, now - n * DAY) for n in (6, 8)]
    history.add("dev", old)
    history.flush("dev")
    again = History(PostgresAddress(world.folder / "pg", PORT))
    again.add("dev", [Write("admin", 1, 900_003, "INSERT", "", now, now)])
    again.flush_all()
    assert len(stored(world, 900_002)) == 1


def test_a_database_that_is_gone_harms_nothing(history: History) -> None:
    history.add("nowhere", [Write("admin", 1, 2, "INSERT", "", 1.0, 1.0)])
    history.flush_all()
    history.flush("nowhere")

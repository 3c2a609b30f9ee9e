"""Other sessions write while a load is under way, on a database that is SERIALIZABLE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from muterelay import mute_relay
from statements import Intercept
from tidemark_core.redshift.connection import connect
from tidemark_core.redshift.errors import QueryError
from tidemark_core.runs.report import LegReport

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table


@pytest.fixture
def serializable(lake: Lake) -> Iterator[None]:
    """SNAPSHOT, the default, does not show these conflicts."""
    alter = f"ALTER DATABASE {lake.config['redshift_database']} ISOLATION LEVEL"
    lake.sandbox.warehouse(f"{alter} SERIALIZABLE")
    yield
    lake.sandbox.warehouse(f"{alter} SNAPSHOT")


@pytest.fixture
def leg(monkeypatch: pytest.MonkeyPatch) -> LegReport:
    """Counts how often the load is retried."""
    made = LegReport("warehouse", "r")
    monkeypatch.setattr("tidemark_core.runs.report.open_reports", [made])
    return made


def _meanwhile(lake: Lake, intercept: Intercept, word: str, *statements: str) -> None:
    """Lets another session do something, once, before the load's first statement of a kind."""

    def meet(*_: object) -> None:
        with connect(lake.warehouse) as other:
            for statement in statements:
                other.execute(statement)

    intercept(word, meet)


@pytest.mark.fault(55)
def test_what_others_committed_before_the_lock_is_no_conflict(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    intercept: Intercept,
    serializable: None,
    leg: LegReport,
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    _meanwhile(lake, intercept, "LOCK", f"DELETE FROM {table.landing}")
    lake.load(table.schema(), table.batch(table.write([(2, "b", None)])), state)
    assert table.rows("id") == [(2,)]
    assert leg.retries == 0, "LOCK is the transaction's first statement"


@pytest.mark.fault(55)
def test_a_conflict_over_the_ledger_is_tried_again_as_a_whole(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    intercept: Intercept,
    serializable: None,
    leg: LegReport,
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    # As another table's loader does: it looks into the ledger and writes its own files.
    _meanwhile(
        lake,
        intercept,
        "COPY",
        "BEGIN",
        "SELECT max(load_id) FROM landing.tidemark_loads",
        "INSERT INTO landing.tidemark_loads (source_table, landing_table, file, etag, row_count, "
        "load_id, run_id, loaded_at, fence) VALUES ('an.other', 'other', 'file', 'e', 1, 0, 'r', "
        "getdate(), 1)",
        "COMMIT",
    )
    try:
        lake.load(table.schema(), table.batch(table.write([(2, "b", None)])), state)
    finally:
        lake.sql("DELETE FROM landing.tidemark_loads WHERE source_table = 'an.other'")
    assert table.rows("id") == [(1,), (2,)]
    assert len(table.ledger()) == 2
    assert leg.retries == 1


@pytest.mark.fault(128)
def test_a_mute_warehouse_ends_the_load_and_gives_the_lease_back(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    intercept: Intercept,
) -> None:
    monkeypatch.setattr("tidemark_core.redshift.connection.SILENCE_MARGIN", 0.5)
    with mute_relay(lake.config["redshift_host"], lake.config["redshift_port"]) as relay:
        there = {"redshift_host": "localhost", "redshift_port": relay.port}
        intercept("COPY", lambda *_: relay.is_mute.set())
        file = table.batch(table.write([(1, "a", None)]))
        with pytest.raises(QueryError, match="has not responded for 6 s during COPY"):
            lake.load(table.schema(), file, state, redshift_statement_timeout_seconds=5, **there)
    monkeypatch.undo()
    lake.load(table.schema(), file, state)
    assert table.rows("id") == [(1,)]


@pytest.mark.fault(129)
def test_a_table_that_is_to_be_made_waits_for_a_ghost_no_longer_than_for_a_lock(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    """As when a session whose client is gone has made the table, and not ended its transaction."""
    other = lake.table({"ID": "int64"})
    lake.load(other.schema(), other.batch(other.write([(1,)])), state)  # the ledger is there
    file = table.batch(table.write([(1, "a", None)]))
    with connect(lake.warehouse) as ghost:
        ghost.execute("BEGIN")
        ghost.execute(f"CREATE TABLE {table.landing} (id BIGINT)")
        with pytest.raises(QueryError, match=r"CREATE TABLE of the landing table.*timeout") as told:
            lake.load(table.schema(), file, state, redshift_lock_timeout_seconds=1)
        assert "held it for the 1 s of REDSHIFT_LOCK_TIMEOUT_SECONDS" in str(told.value.hint)
    lake.load(table.schema(), file, state)
    assert table.rows("id") == [(1,)]

"""The loader dies, connections are lost, others interfere: one rerun gives the same table."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from loading.breaks import BOUNDARIES
from redshift_connector.error import InterfaceError, ProgrammingError
from statements import Intercept
from tidemark_core.errors import LakeError, LeaseError, WarehouseError
from tidemark_core.redshift.connection import WarehouseConnection, connect
from tidemark_core.redshift.errors import explain_query
from tidemark_core.runs.report import LegReport
from tidemark_core.s3.lease import Lease

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

Watch = Callable[["subprocess.Popen[str]"], "subprocess.Popen[str]"]


def loaded(table: Table) -> tuple[list[Any], int]:
    return [row[0] for row in table.rows("id")], len(table.ledger())


@pytest.mark.fault(17)
@pytest.mark.fault(18)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_at_a_boundary_a_rerun_gives_the_same_table(
    lake: Lake, table: Table, state: dict[str, Any], boundary: str
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    messages = (table.schema(), table.batch(table.write([(2, "b", None), (3, "c", None)])), state)
    died = lake.run(*messages, die=boundary)
    assert died.code == -signal.SIGKILL, died.errors
    assert died.states == []
    # No waiting, no cleaning: the lease's holder is dead, and so it is taken over.
    assert lake.load(*messages) == [state["value"]]
    assert loaded(table) == ([1, 2, 3], 2)
    assert lake.staged(table) == []


@pytest.mark.fault(17)
def test_what_a_load_left_behind_goes_with_the_next_run_though_its_table_has_nothing_new(
    lake: Lake, state: dict[str, Any]
) -> None:
    columns = {"ID": "int64", "name": "string(20)"}
    quiet, held, busy = (lake.table(columns) for _ in range(3))
    client, bucket, layout = lake.client, lake.s3.bucket, lake.s3.layout
    for each in (quiet, held):
        key = f"{layout.staging_prefix(each.name, 7)}part-0001.csv.gz"
        client.put_object(Bucket=bucket, Key=key, Body=b"x")
    other = f"{layout.staging_root}doctor/probe/x"
    client.put_object(Bucket=bucket, Key=other, Body=b"x")
    with Lease.acquire(client, bucket, layout.lease_key(held.name, "warehouse"), owner="a load"):
        lake.load(busy.schema(), busy.batch(busy.write([(1, "a")])), state)
        assert lake.staged(quiet) == []
        assert len(lake.staged(held)) == 1, "its load is at work"
    lake.load()
    assert lake.staged(held) == []
    assert lake.keys(other) == [other]


def test_what_s3_does_not_delete_stays_and_stops_no_load(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = f"{lake.s3.layout.staging_prefix(table.name, 7)}part-0001.csv.gz"
    lake.client.put_object(Bucket=lake.s3.bucket, Key=key, Body=b"x")

    def refuse(*_: object, **__: object) -> None:
        raise LakeError("S3 refused to delete it: AccessDenied", stops_all=True)

    monkeypatch.setattr("target_redshift.staging.area.delete_all", refuse)
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert loaded(table) == ([1], 1)
    assert "could not remove staged files of a crashed load: S3 refused to delete it" in caplog.text
    monkeypatch.undo()
    lake.load(table.schema(), table.batch(table.write([(2, "a", None)])), state)
    assert lake.staged(table) == []


@pytest.mark.fault(27)
def test_a_lost_answer_to_commit_is_looked_up_in_the_ledger(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    def lose(connection: WarehouseConnection, sql: str) -> None:
        connection.execute(sql)
        connection.close()
        raise explain_query(InterfaceError("BrokenPipe: server socket closed"), "COMMIT")

    lost = intercept("COMMIT", lose)
    assert lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert lost
    assert loaded(table) == ([1], 1)


@pytest.mark.fault(55)
@pytest.mark.parametrize("statement", ["COPY", "COMMIT"])
def test_a_serialisable_violation_is_tried_again_as_a_whole(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    violate: Callable[[str], list[str]],
    statement: str,
) -> None:
    failed = violate(statement)
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert failed
    assert loaded(table) == ([1], 1)


def test_a_session_that_is_ended_by_the_server_is_opened_again(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    def end(connection: WarehouseConnection, _: str) -> None:
        ((pid,),) = connection.execute("SELECT pg_backend_pid()")
        lake.sandbox.warehouse(f"SELECT pg_terminate_backend({pid})", user="tidemark_loader")

    ended = intercept("COPY", end)
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert ended
    assert loaded(table) == ([1], 1)


@pytest.mark.fault(55)
def test_conflicts_without_end_stop_with_an_error_and_no_state(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    intercept: Intercept,
) -> None:
    leg = LegReport("warehouse", "r")
    monkeypatch.setattr("tidemark_core.runs.report.open_reports", [leg])
    said = {"C": "XX000", "M": "1023 Serializable isolation violation on table"}

    def fail(*_: object) -> None:
        raise explain_query(ProgrammingError(said), "COMMIT")

    tries = intercept("COMMIT", fail, times=None)
    with pytest.raises(WarehouseError, match="1023"):
        lake.load(
            table.schema(),
            table.batch(table.write([(1, "a", None)])),
            state,
            redshift_retry_attempts=2,
        )
    assert len(tries) == 2
    assert [(each.table, each.retries) for each in leg.tables] == [(str(table.name), 1)]
    assert lake.staged(table) == []


@pytest.mark.fault(57)
@pytest.mark.parametrize("statement", ["COPY", "INSERT"])
@pytest.mark.parametrize(
    ("sqlstate", "message", "hint"),
    [
        ("53100", "Disk Full", "free disk space"),
        ("XX000", "Disk Full", "free disk space"),
        ("57014", "Query (7) cancelled by WLM abort action of Query Monitoring Rule", "timeout"),
        ("XX000", "abort query", "stl_wlm_rule_action"),
    ],
)
def test_a_warehouse_that_gives_up_leaves_the_table_as_it_was(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    intercept: Intercept,
    sqlstate: str,
    message: str,
    hint: str,
    statement: str,
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    file = table.write([(2, "b", None)])

    def fail(*_: object) -> None:
        raise explain_query(ProgrammingError({"C": sqlstate, "M": message}), statement)

    tries = intercept(statement, fail, times=None)
    with pytest.raises(WarehouseError, match=hint):
        lake.load(table.schema(), table.batch(file), state)
    assert len(tries) == 1, "what the warehouse gave up for a reason is not tried again"
    assert loaded(table) == ([1], 1)
    assert lake.staged(table) == []


@pytest.mark.fault(56)
def test_a_table_that_others_hold_is_waited_for_and_then_given_up(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    with connect(lake.warehouse) as other:
        other.execute("BEGIN")
        other.execute(f"LOCK TABLE {table.landing}")
        with pytest.raises(WarehouseError, match="LOCK of the landing table") as caught:
            lake.load(
                table.schema(),
                table.batch(table.write([(2, "b", None)])),
                state,
                redshift_lock_timeout_seconds=1,
            )
        assert "svv_transactions" in str(caught.value)
        other.execute("ROLLBACK")
    assert loaded(table) == ([1], 1)


@pytest.mark.fault(22)
def test_a_second_loader_of_the_table_is_told_who_holds_it(
    lake: Lake, table: Table, state: dict[str, Any]
) -> None:
    key = lake.s3.layout.lease_key(table.name, "warehouse")
    with Lease.acquire(lake.client, lake.s3.bucket, key, owner="the night run"):
        done = lake.run(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert done.code == 4
    assert "the night run" in done.errors
    assert done.states == []
    assert table.ledger() == []


def test_two_first_loads_of_a_warehouse_may_make_the_ledger_at_once(
    lake: Lake, table: Table, intercept: Intercept
) -> None:
    def at_once(_: object, sql: str) -> None:
        other = connect(lake.warehouse)
        other.execute("BEGIN")
        other.execute(sql)

        def end() -> None:
            other.execute("COMMIT")
            other.close()

        threading.Timer(0.3, end).start()

    commits = intercept("CREATE TABLE IF NOT EXISTS", at_once)
    lake.load(table.schema(), table.batch(table.write([(0, "a", None)])))
    lake.sql("ALTER TABLE landing.tidemark_loads RENAME TO kept")
    try:
        lake.load(table.schema(), table.batch(table.write([(1, "a", None)])))
        assert commits
        assert len(table.ledger()) == 1
    finally:
        lake.sql("DROP TABLE landing.tidemark_loads")
        lake.sql("ALTER TABLE landing.kept RENAME TO tidemark_loads")


@pytest.mark.fault(23)
def test_a_holder_that_was_overtaken_cannot_commit(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)

    def overtake(*_: object) -> None:
        lake.sql(
            "INSERT INTO landing.tidemark_loads (source_table, landing_table, file, etag, "
            "row_count, load_id, run_id, loaded_at, fence) "
            f"SELECT '{table.name}', landing_table, 'other', 'x', 0, load_id + 1, run_id, "
            "loaded_at, fence + 1000000 FROM landing.tidemark_loads "
            f"WHERE source_table = '{table.name}'"
        )

    intercept("BEGIN", overtake)
    with pytest.raises(LeaseError, match="took over the lease"):
        lake.load(table.schema(), table.batch(table.write([(2, "b", None)])), state)
    assert table.rows("id") == [(1,)]


@pytest.mark.fault(23)
def test_a_lease_that_was_lost_before_the_commit_stops_it(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept
) -> None:
    key = lake.s3.layout.lease_key(table.name, "warehouse")

    def steal(*_: object) -> None:
        lake.client.delete_object(Bucket=lake.s3.bucket, Key=key)
        Lease.acquire(lake.client, lake.s3.bucket, key, owner="another").release()

    intercept("COPY", steal)
    with pytest.raises(LeaseError, match="was lost"):
        lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    assert table.ledger() == []


@pytest.mark.fault(23)
@pytest.mark.parametrize("load_method", ["append-only", "overwrite"])
def test_a_paused_loader_that_wakes_after_a_takeover_commits_nothing_and_passes_no_state_on(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    watch: Watch,
    tmp_path: Path,
    load_method: str,
) -> None:
    first, second = table.write([(1, "first", None)]), table.write([(1, "second", None)])
    reached = tmp_path / "reached"
    process = watch(
        lake.start(
            pause="put_object copy.manifest after",
            environ={"TIDEMARK_TEST_PAUSE": str(reached)},
            load_method=load_method,
            s3_lease_seconds=3,
        )
    )
    assert process.stdin is not None
    process.stdin.write(lake.lines(table.schema(), table.batch(first), state))
    process.stdin.close()
    process.stdin = None
    deadline = time.monotonic() + 60
    while not reached.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)
    # It staged its parts; the other one takes its lease, and loads its file, too.
    while True:
        try:
            messages = (table.schema(), table.batch(first), table.batch(second), state)
            lake.load(*messages, load_method=load_method)
            break
        except LeaseError:
            assert time.monotonic() < deadline, "never expired"
            time.sleep(0.2)
    rows, ledger = table.rows(), table.ledger()
    reached.unlink()
    process.send_signal(signal.SIGCONT)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (4, ""), errors
    assert (table.rows(), table.ledger()) == (rows, ledger)
    assert {file for file, _, _, _ in ledger} == {f.s3_location[1] for f in (first, second)}


@pytest.mark.fault(25)
def test_sigterm_ends_with_143_and_leaves_nothing_half_done(
    lake: Lake, table: Table, state: dict[str, Any], watch: Watch
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    messages = (table.schema(), table.batch(table.write([(2, "b", None)])), state)
    with connect(lake.warehouse) as other:
        other.execute("BEGIN")
        other.execute(f"LOCK TABLE {table.landing}")
        process = watch(lake.start())
        process.stdin.write(lake.lines(*messages))  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        # It has staged its parts and waits for the lock.
        deadline = time.monotonic() + 60
        while not any(key.endswith(".manifest") for key in lake.staged(table)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=60)
        other.execute("ROLLBACK")
    assert process.returncode == 143, errors
    assert out == ""
    assert lake.staged(table) == []
    assert loaded(table) == ([1], 1)
    lake.load(*messages)
    assert loaded(table) == ([1, 2], 2)

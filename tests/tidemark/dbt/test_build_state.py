"""What good builds leave in the warehouse, written by two of them at once."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest
from statements import Intercept
from tidemark.dbt.buildstate import BuildState
from tidemark.dbt.plan import Shape
from tidemark_core.errors import LeaseError
from tidemark_core.redshift.connection import connect
from tidemark_core.redshift.ledger import LEDGER, LEDGER_COLUMNS
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

SCHEMA = "dev_twins_tidemark_dbt"
SHAPE = Shape(frozenset({"public.a"}), frozenset({"a"}), frozenset({"a"}))


@pytest.mark.fault(107)
def test_two_first_builds_may_write_down_what_they_did_at_once(
    lake: Lake, sandbox: Sandbox, intercept: Intercept
) -> None:
    reader = lake.project.reader

    def at_once(_: object, sql: str) -> None:
        """The other one has made the table and not committed it yet."""
        other = connect(reader)
        other.execute("BEGIN")
        other.execute(sql)

        def end() -> None:
            other.execute("COMMIT")
            other.close()

        threading.Timer(0.3, end).start()

    sandbox.warehouse(f"create schema {SCHEMA} authorization tidemark_transformer")
    met = intercept("CREATE TABLE", at_once, times=2)
    try:
        with connect(reader) as warehouse:
            BuildState(warehouse, SCHEMA).write(
                {"a": frozenset({1, 2})}, ("0" * 64, SHAPE), "run-1"
            )
        with connect(reader) as warehouse:
            state = BuildState(warehouse, SCHEMA)
            state.write({"a": frozenset({3})}, None, "run-2")
            last = state.read().last
        assert len(met) == 2
        assert last is not None
        assert last.shape == SHAPE
        tested = sandbox.warehouse(f"select load_id from {SCHEMA}.tested_loads order by 1")
        assert tested == [(1,), (2,), (3,)]
    finally:
        sandbox.warehouse(f"drop schema {SCHEMA} cascade")


@pytest.mark.fault(107)
def test_what_is_new_is_asked_when_the_build_that_holds_a_table_has_ended(
    lake: Lake, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build by hand, of dbt alone, has no lease: it is seen by its lock."""
    reader, me = lake.project.reader, "tidemark_transformer"
    columns = ", ".join(f"{name} {kind}" for name, kind in LEDGER_COLUMNS)
    sandbox.warehouse(f"create table if not exists {LEDGER} ({columns})", user="tidemark_loader")
    sandbox.warehouse(f"create schema {SCHEMA} authorization {me}")
    sandbox.warehouse(f"create table {SCHEMA}.a__loads (load_id bigint)", user=me)
    try:
        with connect(reader) as holder, connect(reader) as warehouse:
            BuildState(warehouse, SCHEMA).write({}, ("0" * 64, SHAPE), "run-1")
            holder.execute("BEGIN")
            holder.execute(f"LOCK {SCHEMA}.a__loads")
            who = rf"a is held by another build, session \d+ of {me}, since 20\d\d-"
            with pytest.raises(LeaseError, match=rf"{who}.*\(waited 1 s\)") as caught:
                BuildState(warehouse, SCHEMA, patience=1).read()
            assert caught.value.exit_code == 4
            assert re.match(f"waiting, at most 1 s: {who}", capsys.readouterr().err)

            releasing = threading.Timer(0.5, holder.execute, ["COMMIT"])
            releasing.start()
            assert BuildState(warehouse, SCHEMA, patience=60).read().last is not None
            releasing.join()
            assert "waiting, at most 60 s: a is held" in capsys.readouterr().err
            assert BuildState(warehouse, SCHEMA).read().last is not None
            assert capsys.readouterr().err == "", "nobody is waited for"
            assert warehouse.execute("SHOW statement_timeout") == [("0",)]
    finally:
        sandbox.warehouse(f"drop schema {SCHEMA} cascade")

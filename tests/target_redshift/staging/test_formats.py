"""LOAD_FORMAT=parquet and auto: COPY reads the lake's files as they are, where it can."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis
import hypothesis.strategies as st
import pyarrow as pa
import pytest
from statements import Intercept
from tidemark_core.errors import WarehouseError

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

_DDL = ("CREATE", "ALTER", "DROP", "COMMENT", "TRUNCATE")


def how(caplog: pytest.LogCaptureFixture) -> str:
    """The format of the one load that the log tells of."""
    (record,) = [record for record in caplog.records if record.getMessage() == "loaded"]
    return str(record.__dict__["format"])


def why_csv(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = "loaded as CSV: "
    texts = [record.getMessage() for record in caplog.records]
    return [text.removeprefix(said) for text in texts if text.startswith(said)]


def stage_tables(lake: Lake) -> list[tuple[Any, ...]]:
    return lake.sql(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'landing' AND LEFT(c.relname, 15) = 'tidemark_stage_'"
    )


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_auto_copies_the_lakes_files_themselves(
    lake: Lake, table: Table, state: dict[str, Any], told: pytest.LogCaptureFixture
) -> None:
    file = table.write([(1, "one", Decimal("1.00")), (2, "", None)])
    lake.load(table.schema(), table.batch(file), state, load_format="auto")
    assert table.rows("id, name, amount") == [(1, "one", Decimal("1.00")), (2, "", None)]
    assert (how(told), why_csv(told)) == ("parquet", [])
    assert stage_tables(lake) == []


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_usual_load_has_no_ddl_and_no_temporary_table_in_its_transaction(
    lake: Lake, table: Table, state: dict[str, Any], intercept: Intercept, form: str
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state, load_format=form)
    said = intercept("", lambda *_: None, times=None)
    lake.load(table.schema(), table.batch(table.write([(2, "b", None)])), state, load_format=form)
    inside = said[said.index("BEGIN") : said.index("COMMIT")]
    assert any(sql.startswith("COPY") for sql in inside)
    assert [sql for sql in inside if sql.startswith(_DDL)] == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"load_method": "upsert"}, "an upsert numbers its rows"), ({}, "COPY would have to convert")],
    ids=["upsert", "type"],
)
def test_auto_goes_by_csv_where_copy_cannot_read_the_files(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    told: pytest.LogCaptureFixture,
    settings: dict[str, Any],
    why: str,
) -> None:
    rows = table.arrow([(1, "a", None)]).set_column(0, "ID", pa.array([1], pa.int32()))
    lake.load(table.schema(), table.batch(table.write(rows)), state, load_format="auto", **settings)
    assert table.rows("id, name") == [(1, "a")]
    assert how(told) == "csv"
    assert why in why_csv(told)[0]


def test_auto_takes_records_too(
    lake: Lake, table: Table, state: dict[str, Any], told: pytest.LogCaptureFixture
) -> None:
    record = {"type": "RECORD", "stream": table.name.stream, "record": {"ID": 1, "name": "a"}}
    lake.load(table.schema(), record, state, load_format="auto")
    assert table.rows("id, name") == [(1, "a")]
    assert how(told) == "csv"


@pytest.mark.parametrize(
    ("text", "loaded"), [("nu\0l", "nul"), ("x" * 90, "x" * 80)], ids=["nul", "too-long"]
)
def test_what_copy_refuses_is_loaded_by_csv(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    told: pytest.LogCaptureFixture,
    text: str,
    loaded: str,
) -> None:
    file = table.write([(1, "good", None), (2, text, None)])
    options = {"load_format": "auto", "redshift_too_long": "truncate"}
    lake.load(table.schema(), table.batch(file), state, **options)
    assert table.rows("id, name") == [(1, "good"), (2, loaded)]
    assert how(told) == "csv"
    assert "Spectrum Scan Error" in why_csv(told)[0]
    assert len(table.ledger()) == 1
    assert (stage_tables(lake), lake.staged(table)) == ([], [])


@pytest.mark.parametrize("form", ["auto", "parquet"])
@pytest.mark.parametrize("key", [None, "a "], ids=["null", "blank"])
def test_a_key_that_would_be_changed_stops_the_load_by_either_way(
    lake: Lake, state: dict[str, Any], form: str, key: str | None
) -> None:
    table = lake.table({"ID": "string(20)"})
    with pytest.raises(WarehouseError, match="keys are never altered"):
        lake.load(table.schema(), table.batch(table.write([(key,)])), state, load_format=form)
    assert table.ledger() == []
    assert stage_tables(lake) == []


_BOUNDARIES = [
    *("execute CREATE before", "execute CREATE after", "execute COPY after"),
    *("execute INSERT after", "execute COMMIT before", "execute COMMIT after"),
    *("execute DROP before", "execute DROP after"),
]


@pytest.mark.fault(17)
@pytest.mark.parametrize("boundary", _BOUNDARIES)
def test_killed_at_a_boundary_a_rerun_gives_the_same_table(
    lake: Lake, table: Table, state: dict[str, Any], boundary: str
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    messages = (table.schema(), table.batch(table.write([(2, "b", None), (3, "c", None)])), state)
    died = lake.run(*messages, die=boundary, load_format="auto")
    assert died.code == -signal.SIGKILL, died.errors
    assert lake.load(*messages, load_format="auto") == [state["value"]]
    assert [row[0] for row in table.rows("id")] == [1, 2, 3]
    assert len(table.ledger()) == 2
    assert stage_tables(lake) == []


@pytest.mark.fault(55)
@pytest.mark.parametrize("statement", ["COPY", "COMMIT"])
def test_a_transaction_that_is_tried_again_uses_its_stage_tables_again(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    violate: Callable[[str], list[str]],
    statement: str,
) -> None:
    failed = violate(statement)
    file = table.write([(1, "a", None), (2, "b", None)])
    lake.load(table.schema(), table.batch(file), state, load_format="parquet")
    assert failed
    assert [row[0] for row in table.rows("id")] == [1, 2]
    assert len(table.ledger()) == 1
    assert stage_tables(lake) == []


_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "int8": st.integers(-128, 127),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "decimal(20,0)": st.integers(0, 2**64 - 1).map(Decimal),
    "decimal(38,37)": st.integers(1 - 10**38, 10**38 - 1).map(lambda n: Decimal(f"{n}E-37")),
    "float64": st.floats(allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-300),
    "date": st.dates(),
    "timestamp(6)": st.datetimes(min_value=datetime(1, 1, 1)),
    "string(20)": st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    "json": st.sampled_from(["{}", '{"n": 12345678901234567890}', "[]", "null"]),
    # CSV has no word for an empty one.
    "binary(8)": st.binary(min_size=1, max_size=8),
}


def readable(name: str, kind: str) -> str:
    """A column as the driver can read it: it takes VARBYTE for UTF-8."""
    return f"TO_HEX({name})" if kind.startswith("binary") else name


@hypothesis.given(st.data())
@hypothesis.settings(
    max_examples=8,
    # Each example is two loads: shrinking would take minutes.
    phases=[phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.shrink],
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_both_ways_give_the_same_table(
    lake: Lake, state: dict[str, Any], data: st.DataObject
) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(_KINDS)), min_size=1, max_size=6))
    names = {f"c{number}": kind for number, kind in enumerate(kinds)}
    row = st.tuples(*(st.none() | _KINDS[kind] for kind in kinds))
    rows = [(n, *values) for n, values in enumerate(data.draw(st.lists(row, max_size=20)))]
    found = []
    for form in ("csv", "auto"):
        table = lake.table({"ID": "int64", **names})
        options = {"load_format": form, "redshift_too_long": "truncate"}
        lake.load(table.schema(), table.batch(table.write(rows)), state, **options)
        found.append(table.rows(", ".join(["id", *map(readable, names, kinds)])))
    assert found[0] == found[1]
    assert len(found[0]) == len(rows)

"""Changes that cannot be had: each way of losing them stops the table, and nothing is committed.

The two ways that take a replica are in test_other_servers.py.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tidemark_core.errors import SourceError, StateError

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source

STREAM = "tap_test-t"
Position = dict[str, Any]


def logged(source: Source, *tables: str, state: Any = None) -> Result:
    catalog = source.catalog(*tables)
    for stream in catalog["streams"]:
        stream["replication_method"] = "LOG_BASED"
    return source.run(catalog, state)


def purge(source: Source) -> None:
    source.sql("FLUSH LOGS")
    newest = source.sql("SHOW BINARY LOGS")[-1][0]
    # The server keeps a file until the engine has what is in it, and nobody reads it.
    for _ in range(200):
        source.sql(f"PURGE BINARY LOGS TO '{newest}'")
        if len(source.sql("SHOW BINARY LOGS")) == 1:
            return
        time.sleep(0.1)
    raise AssertionError(source.sql("SHOW PROCESSLIST"))


def reset(source: Source) -> None:
    source.sql("RESET BINARY LOGS AND GTIDS" if source.is_mysql else "RESET MASTER")


def statement(source: Source) -> None:
    source.sql_with("binlog_format = 'STATEMENT'", "UPDATE tap_test.t SET v = v + 1")


def elsewhere(**fields: Any) -> Callable[[Position], None]:
    """Has the bookmark say something else of its place."""
    return lambda position: position.update(fields)


def between(position: Position) -> None:
    """As of a log that has other events now: none begins where one ended."""
    position.update(offset=position["offset"] - 7, gtid="")


def restored(position: Position) -> None:
    """As the bookmark is of what the server had before an older backup was brought back."""
    position["offset"] += 10**9
    position["gtid"] = _later(position["gtid"])


def _later(gtid: str) -> str:
    """A GTID that the server has not got to."""
    head, _, last = gtid.rpartition("-") if "-" in gtid else gtid.rpartition(":")
    return gtid if not head else f"{head}-{int(last) + 10**6}"


@pytest.fixture(autouse=True)
def _table(source: Source) -> None:
    source.make("t", "id INT PRIMARY KEY, v INT", "(1, 10)", "(2, 20)")


@pytest.mark.fault(183)
@pytest.mark.fault(220)
@pytest.mark.parametrize("alter", ["", "ADD COLUMN c INT NOT NULL DEFAULT 5"])
@pytest.mark.parametrize(
    ("on_server", "in_bookmark"),
    [
        (purge, None),
        (reset, None),
        (statement, None),
        (None, elsewhere(file="gone-log.000001", gtid="")),
        (None, elsewhere(offset=2**40, gtid="")),
        (None, between),
        (None, elsewhere(server="11111111-2222-3333-4444-555555555555", gtid="")),
        (None, restored),
    ],
    ids=["purged", "reset", "statement", "file", "offset", "between events", "server", "restored"],
)
def test_a_gap_stops_its_table_and_nothing_of_it_is_committed(
    source: Source,
    on_server: Callable[[Source], None] | None,
    in_bookmark: Callable[[Position], None] | None,
    alter: str,
) -> None:
    """Nor is it where all rows are to be read again: they would hide what is deleted."""
    first = logged(source, "t")
    state = copy.deepcopy(first.state)
    source.sql("UPDATE t SET v = 11 WHERE id = 1")
    if alter:
        source.sql(f"ALTER TABLE t {alter}")
    if in_bookmark is not None:
        in_bookmark(state["bookmarks"][STREAM]["tidemark"]["position"])
    if on_server is not None:
        on_server(source)
    for _ in range(2):
        second = logged(source, "t", state=state)
        assert isinstance(second.error, SourceError)
        assert second.error.exit_code == 1
        position = state["bookmarks"][STREAM]["tidemark"]["position"]
        assert f"{position['file']}:{position['offset']}" in second.error.message, "from here"
        assert " to " in second.error.message, "and to here"
        assert "watermark reset -t tap_test.t" in str(second.error.hint)
        assert second.messages == []
    good = logged(source, "t")
    assert good.error is None, "read again"


@pytest.mark.fault(183)
def test_a_gap_of_one_table_is_none_of_another(source: Source) -> None:
    source.make("u", "id INT PRIMARY KEY, v INT", "(1, 10)")
    first = logged(source, "t")
    source.sql("UPDATE t SET v = 11 WHERE id = 1")
    purge(source)
    second = logged(source, "u")
    state = {"bookmarks": first.state["bookmarks"] | second.state["bookmarks"]}
    source.sql("UPDATE u SET v = 11")
    third = logged(source, "t", "u", state=state)
    assert isinstance(third.error, SourceError)
    assert [error.table for error in third.error.of_tables] == ["tap_test.t"]
    assert [row["v"] for row in third.rows("u")] == [11]
    assert third.bookmark("t") == first.bookmark("t")


def test_a_bookmark_that_is_none_of_the_log_is_refused(source: Source) -> None:
    first = logged(source, "t")
    own = first.bookmark("t")["tidemark"]
    for wrong in (
        {"replication_key": "v", "replication_key_value": 1},
        {"tidemark": own | {"key": ["v"]}},
        {"tidemark": own | {"table": "tap_test.u"}},
        {"tidemark": own | {"position": {}}},
        {"tidemark": own | {"first_load": {"left": []}}},
        {"tidemark": own | {"version": 2}},
    ):
        done = logged(source, "t", state={"bookmarks": {STREAM: wrong}})
        assert isinstance(done.error, StateError)
        assert "tidemark watermark reset -t tap_test.t" in str(done.error.hint)
        assert done.messages == []
    by_key = source.run(source.catalog("t", key="v"), first.state)
    assert isinstance(by_key.error, StateError)


@pytest.mark.fault(188)
def test_without_the_right_to_read_the_log_other_tables_go_on(source: Source) -> None:
    source.make("u", "id INT PRIMARY KEY, v INT", "(1, 10)")
    user = source.sandbox.env()["DB_USER"]
    source.sql(f"REVOKE REPLICATION SLAVE ON *.* FROM '{user}'@'localhost'")
    try:
        catalog = source.catalog("t", "u")
        catalog["streams"][0]["replication_method"] = "LOG_BASED"
        done = source.run(catalog)
    finally:
        source.sql(f"GRANT REPLICATION SLAVE ON *.* TO '{user}'@'localhost'")
    assert isinstance(done.error, SourceError)
    (error,) = done.error.of_tables
    assert "GRANT REPLICATION SLAVE" in str(error.hint)
    assert done.files("t") == []
    assert len(done.files("u")) == 1


@pytest.mark.fault(190)
def test_of_a_foreign_key_that_deletes_rows_each_run_tells(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.sql("DROP TABLE IF EXISTS child")
    parent = "FOREIGN KEY (parent) REFERENCES t (id) ON DELETE CASCADE"
    source.make("child", f"id INT PRIMARY KEY, parent INT, {parent}", "(1, 1)")
    try:
        assert logged(source, "child").error is None
        assert "child: rows that a change of tap_test.t deletes" in caplog.text
        assert "tidemark reconcile -t tap_test.child" in caplog.text
    finally:
        source.sql("DROP TABLE child")

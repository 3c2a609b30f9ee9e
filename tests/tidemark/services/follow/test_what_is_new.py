"""Which tables are followed, and which of them the log says have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mysql_binlog import Position
from tidemark.config.tables.selection import Options, Rules
from tidemark.services.follow.lag import Lags
from tidemark.services.follow.tables import plan_follow
from tidemark.services.follow.watch import LogWatch
from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


def until(true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_cannot_be_followed_is_refused_with_the_command_that_fits(lake: Lake) -> None:
    done = lake.run("follow")
    assert (done.code, "no table is read from MySQL's binary log" in done.err) == (2, True)
    done = lake.run("follow", "-t", "partner_info")
    assert done.code == 2
    assert "tidemark add settlement.partner_info --log-based" in done.err
    done = lake.run("follow", "--every", "soon")
    assert (done.code, "write 30s, 5m or 1h" in done.err) == (2, True)


def test_without_a_choice_all_are_followed_that_are_read_by_the_log(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_log = {"replication-method": "LOG_BASED"}
    rules = Rules(("a-x.*", "a-y.*", "a-z.*"), {"a-x": by_log, "a-z": by_log})
    monkeypatch.setattr(Rules, "read", lambda _: rules)
    plan = plan_follow(lake.project, [], Options())
    assert plan.tables == (TableName("a", "x"), TableName("a", "z"))
    with pytest.raises(ConfigError):
        plan_follow(lake.project, [TableName("a", "y")], Options())


@contextmanager
def watching(lake: Lake, lags: Lags, *tables: TableName) -> Iterator[LogWatch]:
    watch = LogWatch(lake.project.mysql, lags)
    try:
        watch.watch(dict.fromkeys(tables, ("id",)))
        yield watch
    finally:
        watch.end()


@pytest.mark.fault(197)
def test_the_log_tells_which_tables_have_changed_and_which_have_not(
    lake: Lake, tables: tuple[TableName, TableName]
) -> None:
    lags, (first, second) = Lags(), tables
    with watching(lake, lags, first) as watch:
        until(lambda: watch.blind is None and lags.unread() == {first})  # what was before
        end = Position("x.999999", 2**40, "", "another", "mariadb")
        lags.read(first, end)
        assert lags.seen(first, time.monotonic()) is None
        lake.sandbox.mysql(f"UPDATE {second.table} SET v = 2")
        time.sleep(2.5)
        assert lags.unread() == set(), "another table's change"
        lags.read(first, replace(end, offset=0, file="x.000001"))
        begun = time.monotonic()
        lake.sandbox.mysql(f"UPDATE {first.table} SET v = 2")
        until(lambda: lags.oldest(first, time.monotonic()) is not None)
        told = lags.oldest(first, time.monotonic())
        assert told is not None
        assert told >= time.monotonic() - begun - 0.1, "never less than it is"
        watch.watch({first: ("id",), second: ("id",)})
        time.sleep(1.5)
        lake.sandbox.mysql(f"DELETE FROM {second.table}")
        until(lambda: lags.oldest(second, time.monotonic()) is not None)


@pytest.mark.fault(197)
def test_where_the_log_cannot_be_looked_at_nobody_says_that_nothing_is_new(
    lake: Lake, tables: tuple[TableName, TableName]
) -> None:
    user = lake.sandbox.env()["DB_USER"]
    lake.sandbox.mysql(f"REVOKE REPLICATION SLAVE ON *.* FROM '{user}'@'localhost'")
    lags = Lags()
    try:
        with watching(lake, lags, tables[0]) as watch:
            until(lambda: watch.blind is None)
            lake.sandbox.mysql(f"UPDATE {tables[0].table} SET v = 3")
            until(lambda: watch.blind is not None)
    finally:
        lake.sandbox.mysql(f"GRANT REPLICATION SLAVE ON *.* TO '{user}'@'localhost'")

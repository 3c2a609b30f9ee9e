"""GTIDs as sets, and what a server's settings mean; none of it needs a server."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mysql_binlog.check import problems
from mysql_binlog.gtid import GtidList, GtidSet

_UUIDS = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(2)]
_ONE = st.tuples(st.sampled_from(_UUIDS), st.integers(1, 30), st.sampled_from(["", "a", "b_1"]))


def made(members: set[tuple[str, int, str]]) -> GtidSet:
    found = GtidSet()
    for server, number, tag in members:
        found.add(server, number, tag)
    return found


@given(st.sets(_ONE), st.sets(_ONE))
def test_gtid_sets_are_sets(
    first: set[tuple[str, int, str]], second: set[tuple[str, int, str]]
) -> None:
    ours, theirs = made(first), made(second)
    assert ours.missing_in(theirs) == made(first - second)
    assert bool(ours.missing_in(theirs)) == bool(first - second)
    assert GtidSet(str(ours)) == ours
    assert GtidSet.decoded(ours.encoded()) == ours


@given(st.binary(max_size=80))
def test_what_is_no_encoded_set_is_refused(data: bytes) -> None:
    for kind in (GtidSet, GtidList):
        with suppress(ValueError):
            kind.decoded(data)


@pytest.mark.parametrize("text", ["x", f"{_UUIDS[0]}", f"{_UUIDS[0]}:0", f"{_UUIDS[0]}:5-3",
                                  f"{_UUIDS[0]}:1-", f"{_UUIDS[0]}:1:TOO-BAD"])  # fmt: skip
def test_what_is_no_gtid_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        GtidSet(text)


def test_gtid_sets_are_read_as_servers_write_them() -> None:
    text = f"{_UUIDS[0].upper()}:1-3:5:\n 7-9:Tag_1:1-2:4,\n{_UUIDS[1]}:1"
    assert str(GtidSet(text)) == f"{_UUIDS[0]}:1-3:5:7-9:tag_1:1-2:4,{_UUIDS[1]}:1"


def test_mariadbs_lists_are_compared_domain_by_domain() -> None:
    here = GtidList("0-1-100,5-2-7")
    assert here.reaches(GtidList("0-9-100"))
    assert here.reaches(GtidList(""))
    assert not here.reaches(GtidList("0-1-101"))
    assert not here.reaches(GtidList("6-1-1"))
    assert str(here) == "0-1-100,5-2-7"
    with pytest.raises(ValueError, match="twice"):
        GtidList("0-1-1,0-1-2")


GOOD = {
    "log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "gtid_mode": "ON",
    "log_replica_updates": "ON", "binlog_expire_logs_seconds": "2592000", "server_id": "1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "is_replica", "found"),
    [
        ({}, True, []),
        ({"log_bin": "OFF"}, False, [("log_bin", True)]),
        ({"binlog_format": "MIXED"}, False, [("binlog_format", True)]),
        ({"binlog_row_image": "MINIMAL"}, False, [("binlog_row_image", False)]),
        ({"binlog_row_image": "NOBLOB"}, False, []),
        ({"log_replica_updates": "OFF"}, True, [("log_replica_updates", True)]),
        ({"log_replica_updates": "OFF"}, None, [("log_replica_updates", False)]),
        ({"log_replica_updates": "OFF"}, False, []),
        ({"binlog_expire_logs_seconds": "86400"}, False, [("binlog_expire_logs_seconds", False)]),
        ({"binlog_expire_logs_seconds": "0"}, False, []),
        ({"binlog_expire_logs_seconds": "9", "binlog_expire_logs_auto_purge": "OFF"}, False, []),
        ({"max_binlog_total_size": "1000000"}, False, [("max_binlog_total_size", False)]),
        ({"binlog_storage_engine": "innodb"}, False, [("binlog_storage_engine", True)]),
        ({"gtid_mode": "ON_PERMISSIVE"}, False, [("gtid_mode", False)]),
    ],
)
def test_settings_that_lose_changes_are_problems(
    changed: dict[str, str], is_replica: bool | None, found: list[tuple[str, bool]]
) -> None:
    told = [*problems(GOOD | changed, "mysql", is_replica)]
    assert [(problem.setting, problem.fatal) for problem in told] == found
    assert all(problem.statement for problem in told)


def test_days_of_an_old_server_count_as_well() -> None:
    old = {name: value for name, value in GOOD.items() if name != "binlog_expire_logs_seconds"}
    (problem,) = problems(old | {"expire_logs_days": "2"}, "mysql", False)
    assert problem.statement == "SET GLOBAL expire_logs_days = 7"

"""Bookmarks come back from state as they were, and no state breaks their grammar."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mysql_binlog import Position
from tap_mysql.binlog.bookmark import LogBookmark, LogIdentity
from tap_mysql.incremental.bookmark import Bookmark, Edge, FirstLoad, Identity
from tap_mysql.source.session.server_identity import Server
from tap_mysql.values.own_part import OWN
from tidemark_core.errors import StateError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType

TABLE = TableName("s", "t")
IDENTITY = Identity(TABLE, "id", ColumnType("int64"))
EDGES = st.builds(Edge, st.integers(), st.integers(0), st.text(st.characters(categories=["Nd"])))
INT64 = st.integers(-(2**63), 2**63 - 1)
SERVER = Server({"server_uuid": "5f0c"}, "db-1:3306")


@given(INT64, st.none() | EDGES, st.none() | st.just(SERVER))
def test_a_bookmark_comes_back(value: int, edge: Edge | None, server: Server | None) -> None:
    if edge is not None and isinstance(edge.lower, int) and abs(edge.lower) > 2**63:
        return
    bookmark = Bookmark(value, edge, server=server)
    identity = replace(IDENTITY, server=server)
    assert identity.read(json.loads(json.dumps(identity.write(bookmark)))) == bookmark


def test_the_columns_are_written_that_are_read_now_and_those_that_are_not() -> None:
    identity = replace(IDENTITY, columns=("id", "a"), unselected=("b",))
    bookmark = identity.read(identity.write(Bookmark(7, columns=("id",), unselected=("a",))))
    assert bookmark == Bookmark(7, columns=("id", "a"), unselected=("b",))


LOG_IDENTITY = LogIdentity(TABLE, ("id",))
LOG_BOOKMARK = LogBookmark(
    Position("log.000001", 4, "", "s", "mysql"), datetime(2024, 1, 1), datetime(2024, 1, 1), ("id",)
)


@pytest.mark.parametrize(
    ("identity", "written"),
    [(IDENTITY, IDENTITY.write(Bookmark(7))), (LOG_IDENTITY, LOG_IDENTITY.write(LOG_BOOKMARK))],
    ids=["by a key", "by the log"],
)
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"version": 2}, "has version 2"),
        ({"version": None}, "has version None"),
        ({"table": "shop.other"}, "belongs to table shop.other"),
        ({"table": None}, "belongs to table None"),
    ],
)
def test_a_bookmark_of_another_version_or_table_is_refused(
    identity: Identity | LogIdentity, written: dict[str, Any], changed: dict[str, Any], says: str
) -> None:
    assert identity.read(written)
    with pytest.raises(StateError, match=says):
        identity.read(written | {OWN: written[OWN] | changed})


def test_a_first_load_comes_back() -> None:
    load = FirstLoad(
        upper=9,
        order=("a", "b"),
        left=((None, (1, "x")), ((date(1, 1, 1), Decimal("1.50")), None)),
        greatest=4,
        edge=Edge(3, 1, "5"),
    )
    bookmark = Bookmark(first_load=load)
    assert IDENTITY.read(IDENTITY.write(bookmark)) == bookmark


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.mark.fault(20)
@given(JSON, st.sampled_from(["replication_key_value", "tidemark"]), JSON)
def test_no_state_breaks_the_grammar(state: Any, field: str, value: Any) -> None:
    for candidate in (state, {"replication_key": "id", field: value}):
        try:
            read = IDENTITY.read(candidate)
        except StateError:
            continue
        given_nothing = not candidate or all(
            name in ("starting_replication_value", "replication_key_signpost") or entry is None
            for name, entry in candidate.items()
        )
        assert given_nothing == (read == Bookmark())

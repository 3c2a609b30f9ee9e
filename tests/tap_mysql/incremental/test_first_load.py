"""A first load's bookmark says what is left of it, whatever has been read in which order."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tap_mysql.incremental.bookmark import Bookmark, Edge, FirstLoad, Identity
from tap_mysql.incremental.first_load import FirstLoadProgress
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType

IDENTITY = Identity(TableName("s", "t"), "n", ColumnType("int64"))
UPPER = 1_000
#: The ranges of a load: (0, 10], (10, 20] and what is behind.
LEFT = ((None, (10,)), ((10,), (20,)), ((20,), None))
EDGE = Edge(1, 1, "1")
#: Ranges in the order in which their files come, each with the rows of the file.
FILES = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=12)


def begin(order: tuple[str, ...] = ("id",)) -> FirstLoadProgress:
    return FirstLoadProgress(IDENTITY, FirstLoad(UPPER, order, LEFT, edge=EDGE, cap=UPPER), UPPER)


def read(progress: FirstLoadProgress) -> Bookmark:
    assert progress.state is not None
    return IDENTITY.read(json.loads(json.dumps(progress.state)))


def take(progress: FirstLoadProgress, files: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Reads files, of which each goes on where the last one of its range has ended."""
    reached = {0: 0, 1: 10, 2: 20}
    for number, rows in files:
        reached[number] += rows
        progress.take(number, (reached[number],), reached[number])
    return reached


@given(FILES, st.sets(st.integers(0, 2)))
def test_what_is_left_begins_behind_what_was_read(
    files: list[tuple[int, int]], done: set[int]
) -> None:
    progress = begin()
    reached = take(progress, files)
    for number in done:
        progress.finish(number)
    if len(done) == len(LEFT):
        return
    assert progress.can_be_gone_on_with
    load = read(progress).first_load
    assert load is not None
    touched = {number for number, _ in files}
    assert load.left == tuple(
        ((reached[number],) if number in touched else after, until)
        for number, (after, until) in enumerate(LEFT)
        if number not in done
    )
    assert load.greatest == max((reached[number] for number in touched), default=None)
    assert (load.upper, load.cap, load.edge) == (UPPER, UPPER, EDGE)


@given(FILES)
def test_at_its_end_the_bookmark_is_the_greatest_key_that_was_read(
    files: list[tuple[int, int]],
) -> None:
    progress = begin()
    reached = take(progress, files)
    for number in range(len(LEFT)):
        progress.finish(number)
    assert not progress.can_be_gone_on_with
    bookmark = read(progress)
    assert bookmark.first_load is None
    assert bookmark.value == max((reached[number] for number, _ in files), default=UPPER)
    assert bookmark.edge == (EDGE if bookmark.value == UPPER else None)


def test_of_rows_without_an_order_nothing_is_said_before_the_end() -> None:
    progress = begin(order=())
    progress.take(0, None, UPPER)
    progress.finish(0)
    assert progress.state is None
    assert not progress.can_be_gone_on_with
    progress.finish(1)
    progress.finish(2)
    assert read(progress) == Bookmark(UPPER, EDGE)

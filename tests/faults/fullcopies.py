"""A tap of several tables, in any order: parts of full copies, with STATEs of others between them.

Orders are generated, and end anywhere, as those of a tap that dies. What must come of one is told
by the order alone: a copy that was sent whole is committed as one, and of any other nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from tidemark_singer.files.batch_file import BatchFile

Message = dict[str, Any]
TABLES = 2
_STEPS = ("part", "part", "whole", "again", "row", "row")
ORDERS = st.lists(
    st.tuples(st.sampled_from(_STEPS), st.integers(0, TABLES - 1)), min_size=5, max_size=16
)
#: A load of the stand-in takes its time: few orders, and none made smaller.
FEW = settings(
    max_examples=2,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)


class CopyTap:
    """Turns an order into messages.

    Args:
        copied: Streams that are copied in full.
        other: A stream that has a replication key.
        schema: Makes a stream's SCHEMA message.
        part: Makes the messages of some rows: stream, ids, version of the copy (None: of none),
            whether more of it follows.
        as_files: Whether these are files: then a SCHEMA message gives up what came before it.

    Attributes:
        messages: What it has written.
        whole: Ids of each copy that was sent whole, by stream.
        rows: Ids of the other stream.
        cut_off: Streams of which a part is left over.
    """

    def __init__(
        self,
        copied: Sequence[str],
        other: str,
        schema: Callable[[str], Message],
        part: Callable[[str, list[int], int | None, bool], list[Message]],
        *,
        as_files: bool = False,
    ) -> None:
        self._copied, self._other, self._schema, self._part = copied, other, schema, part
        self._as_files = as_files
        self._ids, self._marks = count(1), {stream: {"earlier": 1} for stream in copied}
        self._versions = dict.fromkeys(copied, 1)
        self._under_way: dict[str, list[int]] = {stream: [] for stream in copied}
        self.whole: dict[str, list[list[int]]] = {stream: [] for stream in copied}
        self.rows: list[int] = []
        self.cut_off: set[str] = set()
        self.messages: list[Message] = []
        self._state()
        self.messages += [schema(stream) for stream in copied]
        self.messages.append(schema(other) | {"bookmark_properties": ["id"]})

    def follow(self, order: Sequence[tuple[str, int]]) -> None:
        """Does what the order says."""
        for step, table in order:
            if step == "row":
                self._row()
            elif step == "again":
                self._anew(self._copied[table])
            else:
                self._send(self._copied[table], has_more=step == "part")

    def _send(self, stream: str, *, has_more: bool) -> None:
        ids = [next(self._ids), next(self._ids)]
        self._under_way[stream] += ids
        self.cut_off.add(stream)
        self.messages += self._part(stream, ids, self._versions[stream], has_more)
        if not has_more:
            self.whole[stream].append(self._under_way[stream])
            self.cut_off.discard(stream)
            self._next(stream)
            self._state()

    def _anew(self, stream: str) -> None:
        if self._under_way[stream]:
            self._next(stream)
            self.messages.append(self._schema(stream))
            if self._as_files:
                self.cut_off.discard(stream)

    def _next(self, stream: str) -> None:
        self._under_way[stream] = []
        self._versions[stream] += 1

    def _row(self) -> None:
        self.rows.append(next(self._ids))
        self.messages += self._part(self._other, self.rows[-1:], None, False)
        self._marks[self._other] = {"at": self.rows[-1]}
        self._state()

    def _state(self) -> None:
        self.messages.append({"type": "STATE", "value": {"bookmarks": dict(self._marks)}})


def records(
    stream: str, ids: list[int], version: int | None, has_more: bool, *, key: str = "id"
) -> list[Message]:
    """Rows as RECORD messages; Singer's mark of a whole copy behind the last of them."""
    marked = {} if version is None else {"version": version}
    sent = [{"type": "RECORD", "stream": stream, "record": {key: i}} | marked for i in ids]
    if has_more or version is None:
        return sent
    return [*sent, {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}]


def files(
    tables: Mapping[str, Any], folder: Path, stream: str, ids: list[int], _: Any, has_more: bool
) -> list[Message]:
    """Rows as a file of tap-mysql, which is there without a lake between."""
    path = folder / f"{stream}-{ids[0]}.parquet"
    pq.write_table(tables[stream].arrow([(number,) for number in ids]), path)
    more = {"has_more": True} if has_more else {}
    when = "2026-01-01T00:00:00Z"
    file = BatchFile.local(str(path), rows=len(ids), extracted_at=when, **more)
    return [tables[stream].batch(file)]

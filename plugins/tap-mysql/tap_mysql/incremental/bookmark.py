"""The bookmark of a stream: what of a table has been read, and how it is checked when read back.

Ordinary Singer state, ``{"replication_key": …, "replication_key_value": …}``, and beside it under
``tidemark`` what a window with inclusive bounds needs: the edge's fingerprint, how far an
unfinished first load has come, and which server was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemark_core.errors import StateError
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json
from tidemark_core.types.column_type import ColumnType

from tap_mysql.query.sql import Key
from tap_mysql.source.session.server_identity import Server
from tap_mysql.values import key_values
from tap_mysql.values.key_values import KeyValue
from tap_mysql.values.own_part import OWN, mismatch, signed

#: Fields that the SDK leaves behind and that say nothing.
_SDK_FIELDS = frozenset({"starting_replication_value", "replication_key_signpost"})


@dataclass(frozen=True)
class Edge:
    """What the rows near the bookmark looked like before they were read.

    Attributes:
        lower: Least replication key of the rows hashed.
        rows: Their number.
        digest: Their hash.
        upper: Greatest replication key in the source; None: no row had one, or it was not noted.
    """

    lower: KeyValue
    rows: int
    digest: str
    upper: KeyValue | None = None


@dataclass(frozen=True)
class FirstLoad:
    """A first load that is under way.

    Attributes:
        upper: Greatest replication key that it reads.
        order: Columns in whose order the key ranges are read.
        left: Key ranges not yet read, each ``(after, until)``.
        greatest: Greatest replication key read so far.
        edge: The edge when it began.
        cap: Greatest value that the bookmark may take: the source's clock when it began.
    """

    upper: KeyValue
    order: tuple[str, ...]
    left: tuple[tuple[Key | None, Key | None], ...]
    greatest: KeyValue | None = None
    edge: Edge | None = None
    cap: KeyValue | None = None


@dataclass(frozen=True)
class Bookmark:
    """What has been read of a table.

    Attributes:
        value: Greatest replication key read, never past the source's clock; None: nothing yet.
        edge: Fingerprint of the rows near it; None if unknown: they are read again.
        first_load: A first load to continue.
        server: Whose rows they were; None if unknown.
        columns: The columns that were read last, in their order; empty: unknown.
        unselected: Columns that the table had beside them.
    """

    value: KeyValue | None = None
    edge: Edge | None = None
    first_load: FirstLoad | None = None
    server: Server | None = None
    columns: tuple[str, ...] = ()
    unselected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What a bookmark belongs to.

    Attributes:
        table: The table.
        key: Its replication key.
        kind: The key's type.
        server: Whose rows are read now; written into each bookmark.
        columns: The columns that are read now; written into each bookmark.
        unselected: Those that are not read; written likewise.
    """

    table: TableName
    key: str
    kind: ColumnType = field(default_factory=lambda: ColumnType("int64"))
    server: Server | None = None
    columns: tuple[str, ...] = ()
    unselected: tuple[str, ...] = ()

    def write(self, bookmark: Bookmark) -> Json:
        """Writes a bookmark as Singer state."""
        own: dict[str, object] = {**signed(self.table), "key_type": str(self.kind)}
        if self.server is not None:
            own["server"] = self.server.write()
        if self.columns:
            own["columns"] = list(self.columns)
        if self.unselected:
            own["unselected"] = list(self.unselected)
        if bookmark.edge is not None:
            own["edge"] = _write_edge(bookmark.edge)
        if bookmark.first_load is not None:
            load = bookmark.first_load
            own["first_load"] = {
                "upper": key_values.to_state(load.upper),
                "order": list(load.order),
                "left": [
                    [key_values.pack(after), key_values.pack(until)] for after, until in load.left
                ],
                "greatest": None if load.greatest is None else key_values.to_state(load.greatest),
                "edge": None if load.edge is None else _write_edge(load.edge),
                "cap": None if load.cap is None else key_values.to_state(load.cap),
            }
        written: dict[str, object] = {"replication_key": self.key}
        if bookmark.value is not None:
            written["replication_key_value"] = key_values.to_state(bookmark.value)
        return written | {OWN: own}

    def read(self, state: Any) -> Bookmark:
        """Reads a bookmark and checks what it belongs to.

        Args:
            state: The stream's entry in the state; empty if the stream was never read.

        Raises:
            StateError: It is damaged, or belongs to another table, key or type of key. It is
                never taken for an empty one: that would read the whole table again, unasked.
        """
        if not isinstance(state, Mapping):
            raise self._refuse("is not an object")
        fields = {k: v for k, v in state.items() if k not in _SDK_FIELDS and v is not None}
        if not fields:
            return Bookmark()
        if "progress_markers" in fields:
            raise self._refuse(
                "was written by another tap that was interrupted in the middle of a table"
            )
        own = fields.get(OWN, {})
        if not isinstance(own, Mapping):
            raise self._refuse(f"has a damaged field {OWN!r}")
        if own and (problem := mismatch(own, self.table)):
            raise self._refuse(problem)
        if fields.get("replication_key") != self.key:
            raise self._refuse(
                f"is for replication key {fields.get('replication_key')!r}, but the key is now "
                f"{self.key!r}"
            )
        if own.get("key_type", str(self.kind)) != str(self.kind):
            raise self._refuse(
                f"was written when {self.key} was of type {own['key_type']}; it is now {self.kind}"
            )
        try:
            return self._parse(fields, own)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._refuse("is damaged") from error

    def _parse(self, fields: Json, own: Json) -> Bookmark:
        value, load = fields.get("replication_key_value"), own.get("first_load")
        server = own.get("server")
        if value is None and load is None:
            raise ValueError("neither a value nor a first load")
        return Bookmark(
            value=None if value is None else key_values.parse_state(self.kind, value),
            edge=self._read_edge(own.get("edge")),
            first_load=None if load is None else self._read_load(load),
            server=None if server is None else Server.read(server),
            columns=tuple(map(str, own.get("columns", ()))),
            unselected=tuple(map(str, own.get("unselected", ()))),
        )

    def _read_load(self, load: Json) -> FirstLoad:
        order = tuple(str(name) for name in load["order"])
        left = tuple(
            (key_values.unpack(after), key_values.unpack(until)) for after, until in load["left"]
        )
        if any(key is not None and len(key) != len(order) for pair in left for key in pair):
            raise ValueError("a key range in a different order")
        greatest, cap = load["greatest"], load.get("cap")
        return FirstLoad(
            upper=key_values.parse_state(self.kind, load["upper"]),
            order=order,
            left=left,
            greatest=None if greatest is None else key_values.parse_state(self.kind, greatest),
            edge=self._read_edge(load["edge"]),
            cap=None if cap is None else key_values.parse_state(self.kind, cap),
        )

    def _read_edge(self, edge: Json | None) -> Edge | None:
        if edge is None:
            return None
        upper = edge.get("upper")
        return Edge(
            lower=key_values.parse_state(self.kind, edge["lower"]),
            rows=int(edge["rows"]),
            digest=str(edge["digest"]),
            upper=None if upper is None else key_values.parse_state(self.kind, upper),
        )

    def _refuse(self, what: str) -> StateError:
        return StateError(
            f"the bookmark {what}",
            table=self.table,
            hint="set a valid bookmark with `tidemark watermark set`, or read the table from the "
            f"beginning: tidemark watermark reset -t {self.table}",
        )


def _write_edge(edge: Edge) -> dict[str, object]:
    upper = None if edge.upper is None else key_values.to_state(edge.upper)
    return {
        "lower": key_values.to_state(edge.lower),
        "rows": edge.rows,
        "digest": edge.digest,
        "upper": upper,
    }

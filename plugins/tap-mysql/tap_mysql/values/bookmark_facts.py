"""What a bookmark says without its table to check it against, and bookmarks set by hand.

For commands that show and set bookmarks; the tap itself reads them by their `Identity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tidemark_core.names import TableName
from tidemark_core.text.documents import Json
from tidemark_core.text.moments import to_second

from tap_mysql.values.own_part import OWN, signed

_MANUAL = "manual"


@dataclass(frozen=True)
class Reading:
    """How far a table has been read by its replication key.

    Attributes:
        key: The replication key; None: the table is read whole, or by the server's log.
        value: Its value in the bookmark, as a query binds it; None: nothing has been finished.
    """

    key: str | None = None
    value: str | int | None = None

    @classmethod
    def of(cls, bookmark: Json) -> Reading:
        """What a bookmark says of it."""
        key, value = bookmark.get("replication_key"), value_of(bookmark)
        bound = value.replace("T", " ") if isinstance(value, str) else value
        return cls(None if key is None else str(key), bound)


def set_by_hand(
    table: TableName, key: str, value: str | int, before: Json | None, *, now: datetime
) -> Json:
    """A bookmark set by hand; the old one's edge and first load are dropped.

    Args:
        table: The table.
        key: Its replication key.
        value: The new value.
        before: The bookmark until now; the key's type is taken from it.
        now: For the record.
    """
    own = signed(table)
    known = (before or {}).get(OWN)
    if (
        isinstance(known, dict)
        and "key_type" in known
        and (before or {}).get("replication_key") == key
    ):
        own["key_type"] = known["key_type"]
    own[_MANUAL] = {"set_at": to_second(now)}
    return {"replication_key": key, "replication_key_value": value, OWN: own}


def positioned(before: Json, position: Json, *, now: datetime) -> Json:
    """A bookmark of a table that is read by the log, set to another position by hand."""
    set_at = to_second(now)
    return {OWN: before[OWN] | {"position": position, _MANUAL: {"set_at": set_at}}}


def is_manual(bookmark: Json | None) -> bool:
    """Whether the bookmark was set by hand and no run has moved it since."""
    own = (bookmark or {}).get(OWN)
    return isinstance(own, dict) and _MANUAL in own


def value_of(bookmark: Json | None) -> str | int | None:
    """The replication key's value; None when nothing has been finished."""
    value = (bookmark or {}).get("replication_key_value")
    return value if isinstance(value, str | int) else None


def log_place(bookmark: Json | None) -> str | None:
    """The log position of a table that is read from the log; None if it is not, or not yet."""
    own = (bookmark or {}).get(OWN)
    position = own.get("position") if isinstance(own, dict) and "first_load" not in own else None
    if not isinstance(position, dict):
        return None
    return f"{position.get('file')}:{position.get('offset')}"


def place_of(bookmark: Json | None) -> str | int | None:
    """How far a table has been read, for people: a replication key's value or a log position."""
    value = value_of(bookmark)
    return log_place(bookmark) if value is None else value


def reached(bookmark: Json) -> str | int | None:
    """How far a commit got: the value, or in the middle of a first load the greatest key read."""
    value = value_of(bookmark)
    own = bookmark.get(OWN)
    load = own.get("first_load") if isinstance(own, dict) else None
    if value is None and isinstance(load, dict):
        greatest = load.get("greatest")
        return greatest if isinstance(greatest, str | int) else None
    return value

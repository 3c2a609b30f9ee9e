"""Whether a column's new type has left the values of its rows as they were. Pure.

An ALTER rewrites all rows without row events: when a DATETIME(6) becomes a DATETIME, the copy would
keep the fractions for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tap_mysql.source.schema import Column

_TYPE = re.compile(r"(?P<name>\w+)(?:\((?P<words>.*)\))?(?P<rest>.*)", re.DOTALL)
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
_BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_TIMES = ("datetime", "timestamp", "time")
#: The characters, or bytes, that types without a length hold.
_ROOM = {
    **dict.fromkeys(("tinytext", "tinyblob"), 2**8 - 1),
    **dict.fromkeys(("text", "blob"), 2**16 - 1),
    **dict.fromkeys(("mediumtext", "mediumblob"), 2**24 - 1),
    **dict.fromkeys(("longtext", "longblob"), 2**32 - 1),
}
_NULLABLE, _CHARACTER_BYTES = "null", 4


def shapes(columns: Iterable[Column]) -> dict[str, str]:
    """What decides which values columns can have, as the bookmark keeps it."""
    return {
        column.name: " / ".join(
            (
                column.mysql.column_type,
                column.character_set or "",
                _NULLABLE if column.nullable else "",
            )
        )
        for column in columns
    }


def rewritten(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Columns whose values may have changed with their type.

    Args:
        before: What `shapes` gave then; columns missing from it are unknown.
        now: What it gives now.
    """
    return [name for name, shape in now.items() if not _keeps(before.get(name, shape), shape)]


def _keeps(before: str, now: str) -> bool:
    if before == now:
        return True
    (old, old_set, old_null), (new, new_set, new_null) = (s.split(" / ") for s in (before, now))
    if old_null and not new_null:
        return False  # NULL has become 0, or an empty text, where the server is not strict
    if old_set != new_set and new_set != "utf8mb4":
        return False
    return old == new or _is_wider(old.lower(), new.lower())


def _is_wider(before: str, now: str) -> bool:
    """Whether every value of one type stays the same in another."""
    old, new = _TYPE.fullmatch(before), _TYPE.fullmatch(now)
    if old is None or new is None:
        return False
    names, words = (old["name"], new["name"]), (old["words"] or "", new["words"] or "")
    if all(name in _INTEGERS for name in names):
        places = [_INTEGERS.index(name) for name in names]
        signed = ["unsigned" not in match["rest"] for match in (old, new)]
        same = signed[0] == signed[1]
        return places[0] <= places[1] if same else signed[1] and places[0] < places[1]
    for family, most_bytes in ((_TEXTS, _CHARACTER_BYTES), (_BYTES, 1)):
        if all(name in family for name in names):
            # A type that pads, or strips blanks, keeps values only if the old one did so too.
            is_padded = names[1] in ("char", "binary") and names[0] != names[1]
            room = _room(names[0], words[0]), _room(names[1], words[1], most_bytes)
            return not is_padded and (names[0] == names[1] in _ROOM or room[0] <= room[1])
    if names[0] != names[1]:
        return False
    if names[0] in _TIMES:
        return int(words[0] or 0) <= int(words[1] or 0)
    if names[0] == "decimal":
        (digits, scale), (more, finer) = (map(int, w.split(",")) for w in words)
        return scale <= finer and digits - scale <= more - finer and old["rest"] == new["rest"]
    if names[0] in ("enum", "set"):
        return words[1].startswith(f"{words[0]},")
    return False


def _room(name: str, length: str, most_bytes: int = 1) -> int:
    """Characters that a value may have, if each takes ``most_bytes``."""
    return _ROOM[name] // most_bytes if name in _ROOM else int(length or 1)

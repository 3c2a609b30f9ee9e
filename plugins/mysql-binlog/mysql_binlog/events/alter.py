"""What the words of an ALTER TABLE say of rows, of the key, and of columns. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mysql_binlog.events.words import Token, first_word
from mysql_binlog.model import KeyColumns


def loses_rows(words: Sequence[str]) -> bool:
    """Whether an ALTER TABLE removes or adds rows that are not logged."""
    pairs = set(pairwise(words))
    partitions = {("DROP", "PARTITION"), ("TRUNCATE", "PARTITION"), ("EXCHANGE", "PARTITION")}
    spaces = {
        (verb, what) for verb in ("IMPORT", "DISCARD") for what in ("TABLESPACE", "PARTITION")
    }
    return bool(pairs & (partitions | spaces | {("CONVERT", "PARTITION"), ("CONVERT", "TABLE")}))


def moves_key(key: KeyColumns, words: Sequence[Token]) -> bool:
    """Whether an ALTER TABLE can have changed the key's columns, or their places."""
    names = {name.lower() for name in key.names}
    keywords = {word.upper() for word in words if not word.name}
    if "FIRST" in keywords or any(word.lower() in names for word in words):
        return True
    if ("CONVERT", "TO") in pairwise(word.upper() for word in words) and any(
        column.charset for column in key.columns if column.name in key.names
    ):
        return True  # rows logged before have the text of their keys in the old character set
    first_alone = max(key.places) == 0
    return not first_alone and bool(keywords & {"AFTER", "DROP"})


#: What may follow DROP, and RENAME, in the place of a column's name.
_NO_COLUMNS = frozenset(
    {
        *("INDEX", "KEY", "PRIMARY", "FOREIGN", "CONSTRAINT", "CHECK", "PARTITION", "SYSTEM"),
        *("PERIOD", "TO", "AS", "="),
    }
)
#: What may follow ADD in the place of a column's name.
_NO_NEW_COLUMNS = _NO_COLUMNS | {"UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"}
#: Words of a definition that give a column values in rows that exist.
_FILLING = frozenset({"AS", "GENERATED", "SERIAL", "AUTO_INCREMENT", "TIMESTAMP"})


@dataclass(frozen=True)
class Columns:
    """The columns that an ALTER TABLE names, by what it does to them; see `Statement`."""

    replaced: tuple[str, ...]
    converted: tuple[str, ...]
    filled: tuple[str, ...]


def touched_columns(words: Sequence[Token]) -> Columns:
    """The columns that an ALTER TABLE replaces, converts, or adds with values."""
    replaced: list[str] = []
    converted: list[str] = []
    filled: list[str] = []
    for part in _parts(words):
        verb, names = first_word(part), part[1:]
        if first_word(names) == "COLUMN":
            names = names[1:]
        elif verb == "RENAME":
            continue
        if verb == "ADD":
            filled += _filled(names)
            continue
        if [word.upper() for word in names[:2]] == ["IF", "EXISTS"]:
            names = names[2:]
        if not names or first_word(names) in _NO_COLUMNS:
            continue
        if verb == "MODIFY":
            converted.append(names[0])
        elif verb == "DROP":
            replaced.append(names[0])
        elif verb == "RENAME":
            replaced += [names[0], names[-1]]
        elif verb == "CHANGE" and len(names) > 1:
            same = names[0].lower() == names[1].lower()
            (converted if same else replaced).extend(names[:1] if same else names[:2])
    return Columns(*(tuple(map(str, names)) for names in (replaced, converted, filled)))


def _filled(words: Sequence[Token]) -> Iterator[str]:
    """The columns, of those that follow ADD, that rows which exist have values in."""
    if [word.upper() for word in words[:3]] == ["IF", "NOT", "EXISTS"]:
        words = words[3:]
    if first_word(words) == "(":
        for part in _parts(words[1:-1]):
            yield from _filled(part)
        return
    if not words or first_word(words) in _NO_NEW_COLUMNS:
        return
    keywords = ["" if word.name else word.upper() for word in words[1:]]
    pairs = set(pairwise(keywords))
    defaults = {after for word, after in pairs if word == "DEFAULT"}
    if ("NOT", "NULL") in pairs or defaults - {"NULL"} or _FILLING & set(keywords):
        yield words[0]


def _parts(words: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The parts of an ALTER TABLE, which commas separate."""
    depth = begin = 0
    for at, word in enumerate(words):
        if not word.name:
            depth += (word == "(") - (word == ")")
        if word == "," and not word.name and not depth:
            yield words[begin:at]
            begin = at + 1
    yield words[begin:]

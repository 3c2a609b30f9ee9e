"""What the words of an ALTER TABLE say of rows, of the key, and of columns. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def touched_columns(words: Sequence[Token]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that an ALTER TABLE replaces, and those that it converts."""
    replaced: list[str] = []
    converted: list[str] = []
    for part in _parts(words):
        verb, names = first_word(part), part[1:]
        if first_word(names) == "COLUMN":
            names = names[1:]
        elif verb == "RENAME":
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
    return tuple(map(str, replaced)), tuple(map(str, converted))


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

"""The select and metadata rules of tap-mysql, as Meltano reads them. Pure.

A rule is a pattern of fnmatch. In a select rule a dot ends the stream's name, unless a backslash
precedes it; a metadata rule has no such escape. Meltano replaces ``$NAME`` in both.
"""

from __future__ import annotations

import fnmatch
import re

from tidemark_core.names import TableName

_SPECIAL = re.compile(r"[*?\[\]$!\\]")
#: Matches a dot, but no character of a common name. The star is in it because Meltano warns of a
#: pattern that is not a stream's name and has no star.
_ODD = "[!0-9A-Za-z_*]"
_DOT = re.compile(r"(?<!\\)\.")
_ONE = re.compile(r"\[(?:\*([^\]])|(\])\*|(\*))\]")
WILD = re.compile(r"[*?\[]")


def _literal(text: str) -> str:
    """A pattern that matches a text: a special character becomes a set of itself and the star."""
    return _SPECIAL.sub(lambda found: _SETS.get(found[0], f"[*{found[0]}]"), text)


_SETS = {"*": "[*]", "]": "[]*]"}


def select_rule(table: TableName, column: str = "*") -> str:
    """The rule that takes in a table, or one column of it."""
    name = column if column == "*" else _literal(column)
    return f"{stream_rule(table)}.{name}"


def stream_rule(table: TableName) -> str:
    """The part of a select rule that names a table."""
    return _literal(table.stream).replace(".", "\\.")


def metadata_rule(table: TableName) -> str:
    """The key of a table's metadata."""
    return _literal(table.stream).replace(".", _ODD)


def split_rule(rule: str) -> tuple[bool, str, str]:
    """Splits a select rule: whether it excludes, the stream's pattern, and the column's."""
    stream, *column = _DOT.split(rule.removeprefix("!"), maxsplit=1)
    return rule.startswith("!"), stream.replace("\\.", "."), column[0] if column else "*"


def matches(table: TableName, pattern: str) -> bool:
    """Whether a stream's pattern, of a select rule or of metadata, matches a table."""
    return fnmatch.fnmatchcase(table.stream, pattern)


def named(pattern: str) -> TableName | None:
    """The one table that a stream's pattern names; None if it may match any number of them."""
    plain = _ONE.sub(r"\1\2\3", pattern)
    if WILD.search(_ONE.sub("", pattern)):
        return None
    return TableName.from_stream(plain)

"""The words of a statement."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*|--(?:\s[^\n]*|\n|$)|/\*(?!M?!).*?\*/|/\*M?!\d*|\*/)
    |`(?P<quoted>(?:[^`]|``)*)`
    |"(?P<double>(?:[^"\\]|""|\\.)*)"
    |(?P<text>'(?:[^'\\]|''|\\.)*')
    |(?P<word>[\w$]+)
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
#: Maximum tokens looked at: a view's or procedure's definition is longer; its beginning suffices.
_MOST_TOKENS = 20_000


class Token(str):
    """A word of a statement.

    Attributes:
        name: Whether it was written in quotes, as only names are.
    """

    __slots__ = ("name",)
    name: bool

    def __new__(cls, text: str, *, name: bool = False) -> Token:
        made = super().__new__(cls, text)
        made.name = name
        return made


def tokens(sql: str) -> list[Token]:
    """The words of a statement, without comments; what is in conditional comments counts."""
    found: list[Token] = []
    for match in _TOKEN.finditer(sql):
        if match["quoted"] is not None:
            found.append(Token(match["quoted"].replace("``", "`"), name=True))
        elif match["double"] is not None:
            found.append(Token(match["double"].replace('""', '"'), name=True))
        elif match["space"] is None:
            found.append(Token(match[0]))
        if len(found) > _MOST_TOKENS:
            break
    return found


def first_word(words: Sequence[Token]) -> str:
    """The keyword that a statement, or a part of one, begins with; "" if it is a name."""
    return words[0].upper() if words and not words[0].name else ""


def bare(words: Sequence[Token]) -> Sequence[Token]:
    """A statement's words without MariaDB's SET STATEMENT … FOR before them."""
    if [word.upper() for word in words[:2]] != ["SET", "STATEMENT"]:
        return words
    depth = 0
    for at, word in enumerate(words):
        depth += (word == "(" and not word.name) - (word == ")" and not word.name)
        if not depth and not word.name and word.upper() == "FOR":
            return bare(words[at + 1 :])
    return words[1:]  # not a known statement

"""SQL text as tokens.

Redshift's literals know backslash escapes, its quoted names fold to lower case; nothing else about
its tokens differs from PostgreSQL's, for which every character beyond ASCII can be in a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.words import words

#: A name without quotes, to be matched with re.ASCII.
WORD = r"[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<string>'(?:[^'\\]|''|\\.)*'|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>{WORD})
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<param>\$\d+)
    |(?P<op>::|->>?|\|\||[<>!=]=|<>|.)
    """,
    re.S | re.X | re.A,
)
#: A temporary table's name; after an operand, ``#`` is the operator of exclusive or.
_HASH_NAME = re.compile(rf"#{WORD}", re.A)
_BEFORE_HASH_NAME = words(
    "TABLE EXISTS FROM JOIN INTO UPDATE DELETE TRUNCATE ANALYZE VACUUM COPY LIKE USING SELECT "
    "DISTINCT WHERE AND OR NOT ON BY HAVING WHEN THEN ELSE SET , ( = < > <= >= <> + - * / ||"
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(.)|''", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_BLANKED = {"string": "'", "quoted": '"', "number": "0", "param": "$"}

#: Characters from which on only the last text's tokens are kept, and those from which on none's: a
#: load of literals takes megabytes.
_LONG, _HUGE = 32_768, 1_048_576

#: A piece of text to put in place of text[start:end].
Edit = tuple[int, int, str]


class Token(NamedTuple):
    """A token.

    Attributes:
        kind: word, quoted, string, number, param or op.
        text: as it was written.
        norm: upper-cased word or operator; literals and quoted names are blanked out.
        start: offset of its first character.
        end: offset after its last character.
        depth: number of parentheses it stands in; a parenthesis counts as outside.
    """

    kind: str
    text: str
    norm: str
    start: int
    end: int
    depth: int

    @property
    def is_name(self) -> bool:
        """Whether it can be an identifier."""
        return self.kind in ("word", "quoted")

    @property
    def name(self) -> str:
        """The identifier it stands for, folded to lower case as Redshift does."""
        if self.kind == "quoted" and self.text[0] == '"':
            return self.text[1:-1].replace('""', '"').lower()
        return self.text.lower()

    @property
    def value(self) -> str:
        """The text of a string literal, its escapes resolved."""
        return unescape(self.text)


def unescape(literal: str) -> str:
    r"""The value of a string literal: ``'it''s'``, ``'a\tb'`` or ``$$text$$``."""
    if literal.startswith("$"):
        edge = literal.index("$", 1) + 1
        return literal[edge:-edge]
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]) if m[1] else "'", literal[1:-1])


def literal(value: object) -> str:
    """A value as a string literal that reads the same under any settings; None is NULL."""
    return "NULL" if value is None else f"E{plain_literal(str(value))}"


def plain_literal(text: str) -> str:
    """A text as a string literal of one token, as Redshift reads it."""
    escaped = text.replace("\0", "").replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def array(items: Iterable[str]) -> str:
    """Texts as an SQL array."""
    return f"array[{', '.join(map(literal, items))}]::text[]"


def quote(name: str) -> str:
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


class Sql:
    """One statement, or a part of one, with its tokens.

    Args:
        text: SQL text.

    Raises:
        StatementError: a literal, a quoted name or a comment has no end.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens_of(text)

    def __len__(self) -> int:
        return len(self.tokens)

    def norm(self, index: int) -> str:
        """The token's norm, or the empty string where there is none."""
        return self.tokens[index].norm if 0 <= index < len(self.tokens) else ""

    def norms(self, start: int, count: int) -> tuple[str, ...]:
        """The norms of ``count`` tokens from ``start`` on."""
        return tuple(self.norm(i) for i in range(start, start + count))

    @cached_property
    def words(self) -> frozenset[str]:
        """The upper-cased words in it."""
        return frozenset(t.norm for t in self.tokens if t.kind == "word")

    @cached_property
    def shape(self) -> str:
        """Its norms joined by single blanks: what rules are matched against."""
        return " ".join(t.norm for t in self.tokens)

    def close(self, index: int) -> int:
        """The index of the parenthesis that closes the one at ``index``.

        Raises:
            StatementError: it is never closed.
        """
        depth = self.tokens[index].depth
        for i in range(index + 1, len(self.tokens)):
            if self.tokens[i].norm == ")" and self.tokens[i].depth == depth:
                return i
        raise StatementError("syntax error at end of input", SYNTAX_ERROR)

    def arguments(self, index: int) -> list[tuple[int, int]]:
        """Token ranges (first, after last) of the list in the parenthesis at ``index``."""
        end, depth = self.close(index), self.tokens[index].depth + 1
        if end == index + 1:
            return []
        cuts = [index]
        cuts += [
            i
            for i in range(index + 1, end)
            if self.tokens[i].norm == "," and self.tokens[i].depth == depth
        ]
        cuts.append(end)
        return [(a + 1, b) for a, b in pairwise(cuts)]

    def name(self, index: int) -> str:
        """The name at a token, folded.

        Raises:
            StatementError: there is none.
        """
        if index >= len(self.tokens) or not self.tokens[index].is_name:
            raise self.unexpected(index)
        return self.tokens[index].name

    def names(self, index: int) -> tuple[list[str], int]:
        """Reads ``(name, …)``.

        Returns:
            The names, folded; the index after the list.

        Raises:
            StatementError: it is not that.
        """
        if self.norm(index) != "(":
            raise self.unexpected(index)
        ranges, end = self.arguments(index), self.close(index)
        for start, behind in ranges or [(index + 1, index + 1)]:
            if behind - start != 1:
                raise self.unexpected(start + (behind > start))
        return [self.name(start) for start, _ in ranges], end + 1

    def between(self, first: int, behind: int) -> str:
        """The text of the tokens from ``first`` up to before ``behind``."""
        if behind <= first:
            return ""
        return self.text[self.tokens[first].start : self.tokens[behind - 1].end]

    def rest(self, first: int) -> str:
        """The text from token ``first`` to the end."""
        return self.between(first, len(self.tokens))

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text with edits made; they must not overlap."""
        text = self.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def cut(self, first: int, behind: int, new: str = "") -> Edit:
        """The edit that replaces tokens by ``new``."""
        return self.tokens[first].start, self.tokens[behind - 1].end, new

    def table_name(self, index: int) -> tuple[list[str], int]:
        """Reads ``[[database.]schema.]table``.

        Returns:
            The parts, folded, without the database; the index after the name.

        Raises:
            StatementError: there is no name.
        """
        parts = [self.name(index)]
        index += 1
        while self.norm(index) == "." and index + 1 < len(self.tokens):
            parts.append(self.tokens[index + 1].name)
            index += 2
        return parts[-2:], index

    def near(self, index: int) -> str:
        """The token's text, for an error message."""
        return self.tokens[index].text if index < len(self.tokens) else "end of input"

    def unexpected(self, index: int) -> StatementError:
        """The error of a token that cannot stand where it does."""
        return StatementError(f'syntax error at or near "{self.near(index)}"', SYNTAX_ERROR)


def qualified(parts: Iterable[str]) -> str:
    """Name parts as one quoted, qualified name."""
    return ".".join(quote(part) for part in parts)


def split_statements(text: str) -> list[str]:
    """The statements of a script, without their semicolons; empty ones are left out."""
    sql = Sql(text)
    statements, first = [], 0
    for i, token in enumerate([*sql.tokens, None]):
        if token is None or token.norm == ";":
            if i > first:
                statements.append(sql.between(first, i))
            first = i + 1
    return statements


def _tokens_of(text: str) -> tuple[Token, ...]:
    if len(text) > _HUGE:
        return _lexed(text)
    return _kept_if_long(text) if len(text) > _LONG else _kept(text)


def _lexed(text: str) -> tuple[Token, ...]:
    return tuple(_lex(text))


_kept = lru_cache(maxsize=64)(_lexed)  # rule after rule reads the same text, three of four times
_kept_if_long = lru_cache(maxsize=1)(_lexed)


def _lex(text: str) -> Iterator[Token]:
    at, depth, before = 0, 0, ""
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:  # pragma: no cover - the last branch takes any character
            raise StatementError(f'syntax error at or near "{text[at]}"', SYNTAX_ERROR)
        kind = match.lastgroup or "op"
        if kind == "tag":
            kind = "string"
        if kind == "comment":
            at = _skip_comment(text, at)
            continue
        piece = match[0]
        at = match.end()
        if kind == "space":
            continue
        if piece == "#" and before in _BEFORE_HASH_NAME:
            if name := _HASH_NAME.match(text, match.start()):
                kind, piece, at = "quoted", name[0], name.end()
        elif kind == "op" and piece in ("'", '"'):
            what = "string" if piece == "'" else "identifier"
            raise StatementError(f"unterminated quoted {what} at or near {piece}", SYNTAX_ERROR)
        if piece == ")":
            depth -= 1
        norm = _BLANKED.get(kind) or piece.upper()
        before = norm
        yield Token(kind, piece, norm, match.start(), at, depth)
        if piece == "(":
            depth += 1


def _skip_comment(text: str, at: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise StatementError("unterminated /* comment", SYNTAX_ERROR)

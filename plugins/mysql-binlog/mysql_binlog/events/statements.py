"""Statements that concern a wanted table as a whole, or that were logged in place of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from mysql_binlog.events.bodies import Query
from mysql_binlog.model import KeyColumns, Statement, Table

_SHOWN = 1000
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
_STRUCTURE = frozenset({"TRUNCATE", "DROP", "RENAME", "ALTER", "CREATE"})
#: Statements that are logged as such in any format, and change no rows. All others change rows, or
#: may: SELECT calls a function, say.
_WITHOUT_ROWS = frozenset(
    {
        *("GRANT", "REVOKE", "SET", "FLUSH", "OPTIMIZE", "REPAIR", "CHECK", "IMPORT"),
        *("INSTALL", "UNINSTALL"),
    }
)
#: What follows ANALYZE where it looks at tables; MariaDB also runs a statement by that word.
_ANALYZED = frozenset({"TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG"})
#: Tokens looked at: a definition of a view or a procedure is longer, and its beginning suffices.
_MOST_TOKENS = 20_000


class Token(str):
    """A word of a statement.

    Attributes:
        name: Whether it was written in quotes, as a name alone is.
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


class Statements:
    """Tells what statements mean for the wanted tables.

    Args:
        tables: The wanted tables and their keys.
        fold: How the server compares names: ``str``, or ``str.lower`` where case says nothing.
    """

    def __init__(
        self, tables: Mapping[Table, KeyColumns], fold: Callable[[str], str] = str
    ) -> None:
        self._fold, self._keys = fold, tables
        self._tables = {(fold(schema), fold(name)): (schema, name) for schema, name in tables}
        self._schemas = {fold(schema) for schema, _ in tables}

    def changes_rows(self, query: Query) -> bool:
        """Whether it is a statement that is logged in place of the rows that it changed."""
        words = _bare(tokens(query.text))
        verb = _first(words)
        if verb == "ANALYZE":
            return _first(words[1:]) not in _ANALYZED
        return bool(words) and verb not in _STRUCTURE | _WITHOUT_ROWS

    def begins_transaction(self, query: Query) -> bool:
        """Whether rows follow it in the same transaction: CREATE TABLE … SELECT of MySQL 8."""
        return query.text.rstrip().upper().endswith("START TRANSACTION")

    def read(self, query: Query) -> list[Statement]:
        """What it does to wanted tables as a whole."""
        words = _bare(tokens(query.text))
        verb = _first(words)
        if verb not in _STRUCTURE:
            return []
        try:
            return list(self._read(verb, _Words(words, self._fold, query.schema), query.text))
        except IndexError:  # it ends before it has said what
            return [
                Statement("other", table, query.text[:_SHOWN], keys_uncertain=True)
                for folded, table in self._tables.items()
                if any(self._fold(word) == folded[1] for word in words)
            ]

    def _read(self, verb: str, words: _Words, sql: str) -> Iterator[Statement]:
        sql = sql[:_SHOWN]
        words.next()
        if verb == "TRUNCATE":
            words.maybe("TABLE")
            yield from self._of("truncate", [words.table()], sql)
        elif verb == "DROP":
            yield from self._dropped(words, sql)
        elif verb == "RENAME":
            if words.maybe("TABLE") or words.maybe("TABLES"):
                yield from self._of("rename", words.renamed(), sql)
        elif verb == "ALTER":
            yield from self._altered(words, sql)
        else:
            words.maybe("OR", "REPLACE")
            if words.maybe("TABLE"):
                words.maybe("IF", "NOT", "EXISTS")
                yield from self._of("create", [words.table()], sql)

    def _of(self, kind: str, names: Sequence[Table], sql: str) -> Iterator[Statement]:
        for name in dict.fromkeys(names):
            if name in self._tables:
                yield Statement(kind, self._tables[name], sql)  # type: ignore[arg-type]

    def _dropped(self, words: _Words, sql: str) -> Iterator[Statement]:
        if words.maybe("DATABASE") or words.maybe("SCHEMA"):
            words.maybe("IF", "EXISTS")
            schema = words.name()
            yield from self._of("drop", [name for name in self._tables if name[0] == schema], sql)
        elif words.maybe("TABLE") or words.maybe("TABLES"):
            words.maybe("IF", "EXISTS")
            yield from self._of("drop", words.tables(), sql)

    def _altered(self, words: _Words, sql: str) -> Iterator[Statement]:
        for word in ("ONLINE", "OFFLINE"):
            words.maybe(word)
        ignores = words.maybe("IGNORE")  # rows that a new key has twice are taken out
        if not words.maybe("TABLE"):
            return
        words.maybe("IF", "EXISTS")
        table, rest = words.table(), words.rest()
        upper = [word.upper() for word in rest]
        if new := words.new_names():
            yield from self._of("rename", [table, *new], sql)
        if ignores or _loses_rows(upper):
            yield from self._of("truncate", [table, *words.exchanged()], sql)
        elif not new and table in self._tables:
            wanted = self._tables[table]
            uncertain = _moves(self._keys[wanted], rest)
            yield Statement("alter", wanted, sql, keys_uncertain=uncertain)


def _first(words: Sequence[Token]) -> str:
    return words[0].upper() if words and not words[0].name else ""


def _bare(words: Sequence[Token]) -> Sequence[Token]:
    """A statement's words without MariaDB's SET STATEMENT … FOR before them."""
    if [word.upper() for word in words[:2]] != ["SET", "STATEMENT"]:
        return words
    depth = 0
    for at, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if not depth and not word.name and word.upper() == "FOR":
            return _bare(words[at + 1 :])
    return words[1:]  # no statement that is known


def _loses_rows(words: Sequence[str]) -> bool:
    """Whether an ALTER TABLE takes rows away, or in, that are not logged."""
    pairs = set(pairwise(words))
    partitions = {("DROP", "PARTITION"), ("TRUNCATE", "PARTITION"), ("EXCHANGE", "PARTITION")}
    spaces = {
        (verb, what) for verb in ("IMPORT", "DISCARD") for what in ("TABLESPACE", "PARTITION")
    }
    return bool(pairs & (partitions | spaces | {("CONVERT", "PARTITION"), ("CONVERT", "TABLE")}))


def _moves(key: KeyColumns, words: Sequence[Token]) -> bool:
    """Whether an ALTER TABLE can have changed the key's columns, or their places."""
    names = {name.lower() for name in key.names}
    keywords = {word.upper() for word in words if not word.name}
    if "FIRST" in keywords or any(word.lower() in names for word in words):
        return True
    if ("CONVERT", "TO") in pairwise(word.upper() for word in words) and any(
        column.charset for column in key.columns if column.name in key.names
    ):
        return True  # what was logged before has the text of its keys in the old character set
    first_alone = max(key.places) == 0
    return not first_alone and bool(keywords & {"AFTER", "DROP"})


class _Words:
    """The words of a statement, one after the other."""

    def __init__(self, words: Sequence[Token], fold: Callable[[str], str], schema: str) -> None:
        self._words, self._fold, self._schema, self._at = words, fold, schema, 0

    def next(self) -> Token:
        """The next word.

        Raises:
            IndexError: There is none.
        """
        self._at += 1
        return self._words[self._at - 1]

    def maybe(self, *wanted: str) -> bool:
        """Passes over words, if they are the next ones."""
        here = self._words[self._at : self._at + len(wanted)]
        same = len(here) == len(wanted) and all(
            not word.name and word.upper() == want for word, want in zip(here, wanted, strict=True)
        )
        self._at += len(wanted) if same else 0
        return same

    def rest(self) -> Sequence[Token]:
        """All words from here on."""
        return self._words[self._at :]

    def name(self) -> str:
        """A name, as the server compares it."""
        return self._fold(str(self.next()))

    def table(self) -> Table:
        """A table's name, with the current database if it has none."""
        first = self.name()
        if self.maybe("."):
            return first, self.name()
        return self._fold(self._schema), first

    def tables(self) -> list[Table]:
        """Names with commas between them."""
        found = [self.table()]
        while self.maybe(","):
            found.append(self.table())
        return found

    def renamed(self) -> list[Table]:
        """The names of RENAME TABLE, old and new."""
        self.maybe("IF", "EXISTS")
        found: list[Table] = []
        while True:
            found.append(self.table())
            if self.maybe("WAIT") or self.maybe("NOWAIT"):
                while not self.maybe("TO"):
                    self.next()
            elif not self.maybe("TO"):
                raise IndexError
            found.append(self.table())
            if not self.maybe(","):
                return found
            self.maybe("IF", "EXISTS")

    def new_names(self) -> list[Table]:
        """The new name of ALTER TABLE … RENAME."""
        return self._behind("RENAME", ("TO", "AS", "="), ("COLUMN", "INDEX", "KEY"))

    def exchanged(self) -> list[Table]:
        """The other table of EXCHANGE PARTITION … WITH TABLE, or of CONVERT PARTITION and TABLE."""
        return self._behind("TABLE", (), ())

    def _behind(self, word: str, passed: Sequence[str], other: Sequence[str]) -> list[Table]:
        found, before = [], self._at
        for at in range(before, len(self._words)):
            self._at = at
            if self.maybe(word) and not any(self.maybe(name) for name in other):
                for name in passed:
                    self.maybe(name)
                found.append(self.table())
        self._at = before
        return found

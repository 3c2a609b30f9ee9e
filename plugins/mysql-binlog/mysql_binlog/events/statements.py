"""Statements that concern a wanted table as a whole, or that were logged in place of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mysql_binlog.events.alter import loses_rows, moves_key, touched_columns
from mysql_binlog.events.bodies import Query
from mysql_binlog.events.words import Token, bare, first_word, tokens
from mysql_binlog.model import KeyColumns, Statement, Table

_SHOWN = 1000
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


class Statements:
    """Tells what statements mean for the wanted tables.

    Args:
        tables: The wanted tables and their keys.
        fold: How the server compares names: ``str``, or ``str.lower`` where case does not matter.
    """

    def __init__(
        self, tables: Mapping[Table, KeyColumns], fold: Callable[[str], str] = str
    ) -> None:
        self._fold, self._keys = fold, tables
        self._tables = {(fold(schema), fold(name)): (schema, name) for schema, name in tables}
        self._schemas = {fold(schema) for schema, _ in tables}

    def changes_rows(self, query: Query) -> bool:
        """Whether it is a statement that is logged in place of the rows that it changed."""
        words = bare(tokens(query.text))
        verb = first_word(words)
        if verb == "ANALYZE":
            return first_word(words[1:]) not in _ANALYZED
        return bool(words) and verb not in _STRUCTURE | _WITHOUT_ROWS

    def begins_transaction(self, query: Query) -> bool:
        """Whether rows follow it in the same transaction: CREATE TABLE … SELECT of MySQL 8."""
        return query.text.rstrip().upper().endswith("START TRANSACTION")

    def read(self, query: Query) -> list[Statement]:
        """What it does to wanted tables as a whole."""
        words = bare(tokens(query.text))
        verb = first_word(words)
        if verb not in _STRUCTURE:
            return []
        try:
            return list(self._read(verb, _Words(words, self._fold, query.schema), query.text))
        except IndexError:  # it ends too early
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
        ignores = words.maybe("IGNORE")  # removes rows that a new key has twice
        if not words.maybe("TABLE"):
            return
        words.maybe("IF", "EXISTS")
        table, rest = words.table(), words.rest()
        upper = [word.upper() for word in rest]
        if new := words.new_names():
            yield from self._of("rename", [table, *new], sql)
        if ignores or loses_rows(upper):
            yield from self._of("truncate", [table, *words.exchanged()], sql)
        elif not new and table in self._tables:
            wanted = self._tables[table]
            uncertain = moves_key(self._keys[wanted], rest)
            columns = touched_columns(rest)
            yield Statement(
                "alter", wanted, sql, keys_uncertain=uncertain, replaced=columns.replaced,
                converted=columns.converted, filled=columns.filled,
            )  # fmt: skip


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

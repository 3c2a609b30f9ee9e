"""A SELECT with what is known about it: its list, and the columns of its sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from redshift_stand_in.sql.lexer import Sql, Token, quote
from redshift_stand_in.sql.selects import Select
from redshift_stand_in.sql.words import words

#: Returns the names of a query's columns; None if the query is wrong.
Columns = Callable[[str], list[str] | None]

_NO_ALIAS = words("END NULL TRUE FALSE ZONE VARYING PRECISION UNKNOWN")
#: An operand follows them, and no alias.
_BEFORE_OPERAND = words(
    "AND OR NOT LIKE ILIKE IN IS BETWEEN THEN ELSE WHEN CASE DISTINCT ALL TO OVER ANY SOME"
)


@dataclass(frozen=True)
class Item:
    """One of a SELECT's list.

    Attributes:
        start: index of its first token.
        end: index after its expression.
        behind: index after its alias.
        name: of its column; empty when PostgreSQL chooses one.
    """

    start: int
    end: int
    behind: int
    name: str

    @property
    def is_aliased(self) -> bool:
        """Whether the name is given, and not a column's own."""
        return self.end < self.behind


@dataclass(frozen=True)
class Scope:
    """A SELECT in its statement.

    Attributes:
        sql: the statement.
        select: one of its SELECTs.
        columns: asks for a query's columns.
    """

    sql: Sql
    select: Select
    columns: Columns

    def items(self) -> list[Item]:
        """The SELECT's list."""
        return items(self.sql, self.select)

    def read(self, what: str = "*") -> list[str] | None:
        """The columns of ``select what`` from the FROM clause; an empty list without one."""
        first, behind = self.select.clause("FROM")
        if first == behind:
            return []
        return self.columns(
            f"{self.with_clause()}select {what} from {self.sql.between(first, behind)}"
        )

    def qualified(self, alias: str = "") -> list[str] | None:
        """The columns of a source, or of all, qualified where a bare name could be ambiguous."""
        if alias:
            names = self.read(f"{quote(alias)}.*")
            return None if names is None else [f"{quote(alias)}.{quote(name)}" for name in names]
        merged = {"USING", "NATURAL"} & {t.norm for t in self._own_from()}
        sources = [source.alias for source in self.select.sources]
        if merged or len(sources) == 1 or not all(sources):
            names = self.read()
            return None if names is None else [quote(name) for name in names]
        found = [self.qualified(source) for source in sources]
        return None if None in found else [name for each in found for name in each or ()]

    def _own_from(self) -> list[Token]:
        first, behind = self.select.clause("FROM")
        depth = self.select.depth
        return [t for t in self.sql.tokens[first:behind] if t.depth == depth]

    def with_clause(self) -> str:
        """The WITH clause of the common tables that the SELECT sees."""
        sql, found = self.sql, []
        if "WITH" not in sql.words:
            return ""
        for i in range(self.select.start):
            if sql.norm(i) != "AS" or sql.norm(i + 1) != "(":
                continue
            end, depth = sql.close(i + 1), sql.tokens[i].depth
            between = sql.tokens[end : self.select.start]
            if end < self.select.start and all(t.depth >= depth for t in between):
                first = _name_of_common_table(sql, i)
                if first is not None:
                    found.append(sql.between(first, end + 1))
        recursive = "recursive " if "RECURSIVE" in sql.words else ""
        return f"with {recursive}{', '.join(found)} " if found else ""


def _name_of_common_table(sql: Sql, i: int) -> int | None:
    """The index of the name of the common table whose AS stands at ``i``."""
    k = i - 1
    if sql.norm(k) == ")":
        depth = sql.tokens[k].depth
        opening = [n for n in range(k) if sql.norm(n) == "(" and sql.tokens[n].depth == depth]
        k = opening[-1] - 1
    return k if sql.norm(k - 1) in ("WITH", "RECURSIVE", ",") else None


def items(sql: Sql, select: Select) -> list[Item]:
    """The list of a SELECT."""
    first = select.start + 1
    while sql.norm(first) in ("DISTINCT", "ALL"):
        first += 1
    if sql.norm(first) == "TOP" and sql.norm(first + 1) == "0":
        first += 2
    behind = min([*select.clauses.values(), select.end])
    cuts = [
        i
        for i in range(first, behind)
        if sql.tokens[i].norm == "," and sql.tokens[i].depth == select.depth
    ]
    return [
        _item(sql, start + 1, end)
        for start, end in pairwise([first - 1, *cuts, behind])
        if end > start + 1
    ]


def _item(sql: Sql, start: int, behind: int) -> Item:
    last, before = sql.tokens[behind - 1], sql.tokens[max(behind - 2, 0)]
    if not last.is_name:
        return Item(start, behind, behind, "")
    if behind - start == 1 or before.norm == ".":
        return Item(start, behind, behind, last.name)
    if before.norm == "AS":
        return Item(start, behind - 2, behind, last.name)
    operand = before.kind != "op" or before.norm in (")", "]")
    keyword = last.kind == "word" and last.norm in _NO_ALIAS
    if operand and not keyword and before.norm not in _BEFORE_OPERAND:
        return Item(start, behind - 1, behind, last.name)
    return Item(start, behind, behind, "")

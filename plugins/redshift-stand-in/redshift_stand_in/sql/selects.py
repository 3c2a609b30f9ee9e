"""The SELECTs of a statement: which stands in which, and what each reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.words import words

SET_OPERATORS = frozenset(["UNION", "INTERSECT", "EXCEPT", "MINUS"])
_CLAUSES = frozenset(
    ["FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "OFFSET", "INTO"]
)
_JOIN_WORDS = words(
    "JOIN INNER LEFT RIGHT FULL OUTER CROSS NATURAL ON USING AS LATERAL ONLY PIVOT UNPIVOT AT "
    "SET WHEN REMOVE"
)


@dataclass(frozen=True)
class Source:
    """What a FROM clause reads.

    Attributes:
        parts: of a table's name, folded; empty for a subquery.
        alias: the name that its columns go by; empty when it has none.
        index: of its first token.
        is_function: whether it is a call.
    """

    parts: tuple[str, ...]
    alias: str
    index: int
    is_function: bool = False


@dataclass(frozen=True)
class Select:
    """A SELECT.

    Attributes:
        start: index of its first token.
        end: index after its last one.
        depth: in parentheses.
        clauses: index of the word that begins a clause.
        sources: what it reads.
        parent: the SELECT that it stands in.
    """

    start: int
    end: int
    depth: int
    clauses: dict[str, int]
    sources: tuple[Source, ...]
    parent: Select | None = field(default=None, compare=False)

    @property
    def names(self) -> frozenset[str]:
        """The names that columns of its sources are qualified with."""
        return frozenset(source.alias for source in self.sources)

    def clause(self, word: str) -> tuple[int, int]:
        """The token range of a clause, without its first word; empty where there is none."""
        start = self.clauses.get(word)
        if start is None:
            return self.end, self.end
        return start + 1, min([i for i in self.clauses.values() if i > start] + [self.end])


@lru_cache(maxsize=4)  # several checks look at one statement
def find(sql: Sql) -> list[Select]:
    """The SELECTs of a statement, each after the one that it stands in."""
    found: list[Select] = []
    for i, token in enumerate(sql.tokens):
        if token.norm != "SELECT" or sql.norm(i - 1) == ".":
            continue
        end = _end(sql, i)
        clauses = _clauses(sql, i, end)
        holders = [s for s in found if s.start < i and end <= s.end and s.depth < token.depth]
        first = clauses.get("FROM")
        sources: tuple[Source, ...] = ()
        if first is not None:
            behind = min([c for c in clauses.values() if c > first] + [end])
            sources = tuple(_sources(sql, first + 1, behind))
        parent = holders[-1] if holders else None
        found.append(Select(i, end, token.depth, clauses, sources, parent))
    return found


def write(sql: Sql) -> Select | None:
    """An UPDATE or DELETE like a SELECT: its table is one of its sources; None for others."""
    if sql.norm(0) not in ("UPDATE", "DELETE"):
        return None
    reads = "FROM" if sql.norm(0) == "UPDATE" else "USING"
    first = 2 if sql.norms(0, 2) == ("DELETE", "FROM") else 1
    clauses: dict[str, int] = {}
    for i in range(first, len(sql)):
        if sql.tokens[i].depth == 0 and sql.norm(i) in ("SET", reads, "WHERE"):
            clauses.setdefault(sql.norm(i), i)
    sources = list(_sources(sql, first, min([*clauses.values(), len(sql)])))
    if reads in clauses:
        sources += _sources(sql, clauses[reads] + 1, clauses.get("WHERE", len(sql)))
    return Select(0, len(sql), 0, clauses, tuple(sources))


def common_tables(sql: Sql) -> frozenset[str]:
    """The names that the statement's WITH clauses give."""
    names: set[str] = set()
    if "WITH" not in sql.words:
        return frozenset()
    for i, token in enumerate(sql.tokens):
        if token.norm != "AS" or sql.norm(i + 1) != "(":
            continue
        k = i - 1
        if sql.norm(k) == ")":
            depth = sql.tokens[k].depth
            k = next(n for n in range(k - 1, -1, -1) if sql.tokens[n].depth == depth) - 1
        if k > 0 and sql.tokens[k].is_name and sql.norm(k - 1) in ("WITH", "RECURSIVE", ","):
            names.add(sql.tokens[k].name)
    return frozenset(names)


def own_tokens(select: Select, selects: list[Select]) -> Iterator[int]:
    """Indices of the tokens of a SELECT that stand in no SELECT within it."""
    inner = sorted((s.start, s.end) for s in selects if s.parent is select)
    at = select.start
    for start, end in inner:
        yield from range(at, start)
        at = max(at, end)
    yield from range(at, select.end)


def _end(sql: Sql, start: int) -> int:
    depth = sql.tokens[start].depth
    for i in range(start + 1, len(sql)):
        token = sql.tokens[i]
        if token.depth < depth:
            return i
        if (
            token.depth == depth
            and token.norm in SET_OPERATORS
            and sql.norm(i + 1)
            in (
                "SELECT",
                "ALL",
                "DISTINCT",
                "(",
                "VALUES",
                "TABLE",
            )
        ):
            return i
    return len(sql)


def _clauses(sql: Sql, start: int, end: int) -> dict[str, int]:
    depth = sql.tokens[start].depth
    clauses: dict[str, int] = {}
    for i in range(start + 1, end):
        token = sql.tokens[i]
        if token.depth != depth or token.norm not in _CLAUSES or token.norm in clauses:
            continue
        if sql.norm(i - 1) in (".", "AS", ",", "WITHIN", "WITH") or sql.norm(i + 1) in (".", ","):
            continue
        clauses[token.norm] = i
    return clauses


def _sources(sql: Sql, first: int, behind: int) -> Iterator[Source]:
    """The sources between two tokens: a list with commas, joins, and joins in parentheses."""
    i, expected = first, True
    while i < behind:
        token = sql.tokens[i]
        if token.norm == "," or token.norm == "JOIN":
            expected, i = True, i + 1
        elif not expected or token.norm in _JOIN_WORDS:
            i = sql.close(i) + 1 if token.norm == "(" else i + 1
        elif token.norm == "(":
            end = sql.close(i)
            if sql.norm(i + 1) in ("SELECT", "WITH", "VALUES") or _holds_query(sql, i, end):
                yield Source((), _alias(sql, end + 1, behind), i)
            else:
                yield from _sources(sql, i + 1, end)
            expected, i = False, end + 1
        elif token.is_name:
            parts, after = sql.table_name(i)
            after = _behind_path(sql, after)
            called = sql.norm(after) == "("
            after = sql.close(after) + 1 if called else after
            after += 2 * (called and sql.norms(after, 2) == ("WITH", "OFFSET"))
            alias = _alias(sql, after, behind) or parts[-1]
            yield Source(tuple(parts), alias, i, is_function=called)
            expected, i = False, after
        else:
            i += 1


def _behind_path(sql: Sql, i: int) -> int:
    """The index after the subscripts and attributes that follow a name (SUPER)."""
    while sql.norm(i) in ("[", "."):
        i += 3 if sql.norm(i) == "[" else 2
    return i


def _holds_query(sql: Sql, opening: int, end: int) -> bool:
    i = opening + 1
    while sql.norm(i) == "(" and i < end:
        i += 1
    return sql.norm(i) in ("SELECT", "WITH") and sql.norm(sql.close(opening + 1) + 1) in (
        *SET_OPERATORS,
        ")",
        "ORDER",
        "LIMIT",
    )


def _alias(sql: Sql, index: int, behind: int) -> str:
    if sql.norm(index) == "AS":
        index += 1
    if index < behind and sql.tokens[index].is_name and sql.norm(index) not in _JOIN_WORDS:
        return sql.tokens[index].name
    return ""

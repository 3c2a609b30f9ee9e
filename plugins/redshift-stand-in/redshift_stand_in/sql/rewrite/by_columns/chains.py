"""Names with what follows them: a table's column, or a path into a SUPER value.

``c.c_orders[0].date`` is the column ``c_orders`` of ``c`` and a path into it. What is a table, and
what an element that FROM iterates over, is known by the aliases of the SELECT and of those that it
stands in; any other first name is a column.

Source: "Querying semi-structured data" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql, literal, quote
from redshift_stand_in.sql.selects import Select, Source

_ITERATES = ("redshift_unnest", "redshift_unpivot")
_WRITES = frozenset(["UPDATE", "DELETE"])
#: No column's name follows them.
_BEFORE_OTHERS = frozenset([".", "::", "AS", "INTO", "TABLE", "TEMP", "TEMPORARY"])


@dataclass(frozen=True)
class Chain:
    """Names and subscripts in a row.

    Attributes:
        start: index of its first token.
        end: index after its last one.
        steps: names, folded, and numbers in brackets.
    """

    start: int
    end: int
    steps: tuple[str | int, ...]

    @property
    def first(self) -> str:
        """The name that it begins with."""
        return str(self.steps[0])

    @property
    def last(self) -> str:
        """The last name: what its column is called."""
        return str(next(step for step in reversed(self.steps) if isinstance(step, str)))


@dataclass
class Known:
    """The names that chains may begin with.

    Attributes:
        tables: aliases of tables and subqueries.
        elements: aliases of elements of SUPER values.
        qualified: (schema, table) of the tables that are read under their own names.
        elsewhere: what has a meaning elsewhere in the statement, and no column's here.
    """

    tables: set[str] = field(default_factory=set)
    elements: set[str] = field(default_factory=set)
    qualified: set[tuple[str | int, ...]] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)

    def add(self, sql: Sql, source: Source) -> None:
        """Notes what a FROM clause reads; sources before it must be there."""
        if self.is_element(sql, source):
            self.elements.add(source.alias)
        elif source.alias:
            self.tables.add(source.alias)
            if source.parts[-1:] == (source.alias,):
                self.qualified.add(source.parts)

    def is_element(self, sql: Sql, source: Source) -> bool:
        """Whether a source iterates over a SUPER value."""
        if source.is_function:
            return is_iteration(source) and _names_its_column(sql, source)
        if sql.norm(source.index - 1) == "UNPIVOT":
            return bool(source.parts)
        chain = read(sql, source.index) if source.parts else None
        # Beside the table s.s, the name s.t is another table of that schema.
        if chain is None or (chain.first, chain.first) in self.qualified:
            return False
        among = self.elements if len(chain.steps) == 1 else self.elements | self.tables
        return chain.first in among


def is_iteration(source: Source) -> bool:
    """Whether a source is a call of the catalogue's functions that iterate."""
    return source.parts[0] == "pg_catalog" and source.parts[-1].startswith(_ITERATES)


def _names_its_column(sql: Sql, source: Source) -> bool:
    """Whether an alias is its first column's too; UNNEST names the columns otherwise."""
    _, opening = sql.table_name(source.index)
    behind = sql.close(opening) + 1
    names = [t.name for t in sql.tokens[behind : behind + 4] if t.is_name and t.norm != "AS"]
    return names[:2] == [source.alias, source.alias]


def known(sql: Sql, select: Select) -> Known:
    """The names that a SELECT sees: of its sources, and of the statements that it stands in."""
    found = outer(sql, select)
    for source in select.sources:
        found.add(sql, source)
    return found


def outer(sql: Sql, select: Select) -> Known:
    """The names that a SELECT sees of the statements that it stands in."""
    if holder := select.parent or (selects.write(sql) if select.start > 0 else None):
        return known(sql, holder)
    read = [source for other in selects.find(sql) for source in other.sources]
    named = {name for source in read for name in (source.alias, *source.parts)}
    return Known(elsewhere=named | selects.common_tables(sql))


def read(sql: Sql, i: int) -> Chain | None:
    """The chain that begins at a token; None where none does, or a call or a star ends it."""
    if not sql.tokens[i].is_name or sql.norm(i - 1) in _BEFORE_OTHERS:
        return None
    steps: list[str | int] = [sql.tokens[i].name]
    k = i + 1
    while sql.norm(k) in (".", "[") and k + 1 < len(sql):
        if sql.norm(k) == "[" and sql.near(k + 1).isdigit():
            steps.append(int(sql.near(k + 1)))
            k += 3
        elif sql.norm(k) == "." and sql.tokens[k + 1].is_name:
            steps.append(sql.tokens[k + 1].name)
            k += 2
        else:
            return None
    return None if sql.norm(k) == "(" else Chain(i, k, tuple(steps))


def base(sql: Sql, chain: Chain, names: Known) -> int:
    """How many of a chain's steps name a column; the rest is a path into it."""
    steps, count = chain.steps, len(chain.steps)
    if chain.first in names.elements:
        return 1
    if chain.first in names.tables:
        return 2 if isinstance(steps[min(count - 1, 1)], str) and count > 1 else 1
    if _is_plain(sql, chain, names):
        return count
    if steps[:2] in names.qualified and count > 2:
        return 3
    return 4 if steps[1:3] in names.qualified and count > 3 else 1


def _is_plain(sql: Sql, chain: Chain, names: Known) -> bool:
    """Whether names are a table's and a column's, though FROM does not have the table like that."""
    if any(isinstance(step, int) for step in chain.steps):
        return False
    if len(chain.steps) == 2:
        writes = sql.norm(0) not in _WRITES and bool(_WRITES & sql.words)
        return writes or chain.first in names.elsewhere
    return len(chain.steps) == 3 and chain.steps[1:2] in names.qualified


def expression(sql: Sql, chain: Chain, names: Known) -> str:
    """A chain in PostgreSQL's words."""
    count = base(sql, chain, names)
    if chain.first in names.elements:
        text = f"{quote(chain.first)}.{quote(chain.first)}"
    else:
        text = ".".join(quote(str(step)) for step in chain.steps[:count])
    for step in chain.steps[count:]:
        text = f"pg_catalog.redshift_at({text}, {literal(step) if isinstance(step, str) else step})"
    return text


def own(sql: Sql, select: Select) -> Iterator[Chain]:
    """The chains of a SELECT itself, but for those that name what it reads."""
    skipped = {i for source in select.sources for i in _named(sql, source)}
    found = selects.find(sql)
    if select.start == 0 and sql.norm(0) in _WRITES:
        found = [replace(inner, parent=select) for inner in found if inner.parent is None]
    behind = 0
    for i in selects.own_tokens(select, found):
        if i < behind or i in skipped:
            continue
        if chain := read(sql, i):
            behind = chain.end
            yield chain


def _named(sql: Sql, source: Source) -> range:
    """The tokens that say what a source is."""
    if not source.parts:
        return range(0)
    if source.is_function:
        _, after = sql.table_name(source.index)
        behind = sql.close(after) + 1 if is_iteration(source) else after
        return range(source.index, behind)
    chain = read(sql, source.index)
    return range(source.index, chain.end if chain else source.index)

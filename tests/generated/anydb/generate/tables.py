"""A generated table: its definition, its rows, and which column its changes are seen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from anydb.generate import kinds, names, quoting
from anydb.generate.kinds import Kind
from anydb.generate.model import Server


@dataclass(frozen=True)
class Column:
    """A column, with how its values are made.

    Attributes:
        name: Its name.
        kind: Its type.
        nullable: Whether it may be NULL.
        extra: What else its definition says.
        given: Whether INSERT gives it a value; the server makes that of a generated column.
    """

    name: str
    kind: Kind
    nullable: bool
    extra: str = ""
    given: bool = True

    @property
    def definition(self) -> str:
        null = "" if not self.given else " NULL" if self.nullable else " NOT NULL"
        return f"{quoting.name(self.name)} {self.kind.declaration}{null}{self.extra}"

    @property
    def literals(self) -> st.SearchStrategy[str]:
        if not self.nullable:
            return self.kind.literals
        return st.integers(0, 4).flatmap(
            lambda number: st.just("NULL") if number == 0 else self.kind.literals
        )


@dataclass(frozen=True)
class Shape:
    """A table before it has rows.

    Attributes:
        name: Its name, quoted with its database's.
        columns: Its columns.
        key: Columns of its primary key, or of the unique key in its place; may be empty.
        growing: The replication key; None: it is read whole.
        create: CREATE TABLE.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    growing: Column | None
    create: str


@st.composite
def columns(
    draw: st.DrawFn, server: Server, name: str, *, zero: bool, kind: Kind | None = None
) -> Column:
    made = kind or draw(kinds.kinds(server, zero=zero))
    nullable = draw(st.booleans()) and "VECTOR" not in made.declaration
    extra = ""
    choice = draw(st.integers(0, 19))
    if choice < 3 and made.default:
        extra = f" DEFAULT {draw(made.literals)}"
    elif choice == 3 and server == "mariadb":
        extra = " INVISIBLE" if nullable else ""
    elif choice == 4:
        extra = f" COMMENT {draw(st.sampled_from(_COMMENTS))}"
    return Column(name, made, nullable, extra)


_COMMENTS = ("'it''s'", "'\"quoted\"'", "'100%'", "'한글'", "''")


@st.composite
def generated(draw: st.DrawFn, name: str, others: Sequence[Column]) -> Column:
    """A column that the server computes of another one."""
    of = quoting.name(draw(st.sampled_from(others)).name)
    how = draw(st.sampled_from((" VIRTUAL", " STORED")))
    kind, expression = draw(
        st.sampled_from((("INT", f"LENGTH({of})"), ("BIGINT", f"LENGTH({of}) * -7"),
                         ("VARCHAR(20) CHARACTER SET latin1", f"LEFT(HEX({of}), 10)"),
                         ("DECIMAL(12,3)", f"LENGTH({of}) / 3")))
    )  # fmt: skip
    return Column(name, Kind(kind, st.nothing()), True, f" AS ({expression}){how}", given=False)


@st.composite
def shapes(draw: st.DrawFn, server: Server, qualified: str, *, zero: bool) -> Shape:
    """A table: one to eight columns, any key or none, a replication key or none.

    Args:
        draw: Of Hypothesis.
        server: The source.
        qualified: The table's name, as SQL.
        zero: Whether dates are tried that no calendar has.
    """
    count = draw(st.integers(1, 6))
    name_of = names.names(names.OWN_COLUMNS)
    titles = draw(st.lists(name_of, min_size=count + 2, max_size=count + 2, unique_by=str.casefold))
    made = [draw(columns(server, title, zero=zero)) for title in titles[:count]]
    growing = None
    if draw(st.integers(0, 3)):
        growing = draw(_growing(server, titles[count], zero=zero))
        made.insert(draw(st.integers(0, len(made))), growing)
    if draw(st.integers(0, 7)) == 0:
        made.append(draw(generated(titles[count + 1], made)))
    key, clause, made = draw(_keys(made, growing))
    indexed = growing is not None and draw(st.integers(0, 3))
    clauses = [column.definition for column in made] + clause
    clauses += [f"KEY ({quoting.name(growing.name)})"] if growing and indexed else []
    engine = draw(st.sampled_from(("InnoDB", "InnoDB", "InnoDB", "MyISAM")))
    create = f"CREATE TABLE {qualified} ({', '.join(clauses)}) ENGINE = {engine}"
    if growing is not None:
        growing = next(column for column in made if column.name == growing.name)
    return Shape(qualified, tuple(made), key, growing, create)


@st.composite
def _growing(draw: st.DrawFn, server: Server, name: str, *, zero: bool) -> Column:
    kind = draw(kinds.growing(server, zero=zero))
    extra = ""
    if kind.declaration.startswith(("DATETIME", "TIMESTAMP")) and draw(st.integers(0, 2)) == 0:
        now = "CURRENT_TIMESTAMP" + "".join(kind.declaration.partition(" ")[0].partition("(")[1:])
        extra = f" DEFAULT {now} ON UPDATE {now}"
    return Column(name, kind, draw(st.integers(0, 5)) == 0, extra)


@st.composite
def _keys(
    draw: st.DrawFn, made: list[Column], growing: Column | None
) -> tuple[tuple[str, ...], list[str], list[Column]]:
    """Chooses key columns, which are NOT NULL: names, clauses, and the columns as they then are."""
    able = [column for column in made if column.kind.key is not None and column.given]
    sort = draw(st.sampled_from(("PRIMARY KEY", "PRIMARY KEY", "PRIMARY KEY", "PRIMARY KEY",
                                 "PRIMARY KEY", "UNIQUE KEY", "")))  # fmt: skip
    if not able or not sort:
        return (), [], made
    several = draw(st.sampled_from((1, 1, 1, 2, 3)))
    chosen = draw(st.lists(st.sampled_from(able), min_size=1, max_size=several, unique_by=id))
    names_ = tuple(column.name for column in chosen)
    parts = ", ".join(quoting.name(c.name) + (c.kind.key or "") for c in chosen)
    made = [
        Column(c.name, c.kind, False, "" if "INVISIBLE" in c.extra else c.extra, c.given)
        if c.name in names_ else c
        for c in made
    ]  # fmt: skip
    return names_, [f"{sort} ({parts})"], made


@st.composite
def rows(draw: st.DrawFn, shape: Shape, most: int) -> list[str]:
    """INSERTs, a row each: the server may refuse one and take the next."""
    given = [column for column in shape.columns if column.given]
    if not given:
        return []
    record = st.tuples(*(column.literals for column in given))
    drawn = draw(st.lists(record, max_size=most))
    return [insert(shape, given, values) for values in drawn]


def insert(shape: Shape, given: Sequence[Column], values: Sequence[str]) -> str:
    listed = ", ".join(quoting.name(column.name) for column in given)
    return f"INSERT INTO {shape.name} ({listed}) VALUES ({', '.join(values)})"

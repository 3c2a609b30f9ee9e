"""A generated database: some tables and views, the sessions that write them, and two runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from anydb.generate import names, quoting
from anydb.generate.changes import changes
from anydb.generate.model import Database, Server, Settings, Table
from anydb.generate.tables import Shape, rows, shapes

T = TypeVar("T")
_MOST_ROWS = 9

#: Modes of the writing session; those with True let zero dates in.
_MODES = (
    ("", True),
    ("ALLOW_INVALID_DATES", True),
    ("NO_BACKSLASH_ESCAPES,ANSI_QUOTES,NO_AUTO_VALUE_ON_ZERO", True),
    ("STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION", True),
    ("TRADITIONAL", False),
    ("STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,PIPES_AS_CONCAT", False),
    ("ANSI", False),
)
#: Stands for the database's name until it has one of its own.
DATABASE = "\x01database\x01"
_ZONES = ("+00:00", "+00:00", "+09:00", "-05:30")


def placeholder(position: int) -> str:
    """Stands for a table's name."""
    return f"\x01table {position}\x01"


@st.composite
def databases(draw: st.DrawFn, server: Server, *, plain: bool = False) -> Database:
    """One to three tables, and a view now and then; its SQL has placeholders for names.

    Args:
        draw: Of Hypothesis.
        server: The source.
        plain: Whether names of tables need no quotes.
    """
    mode, zero = draw(st.sampled_from(_MODES))
    # A zero date in every other table would leave little else to look at.
    zero = zero and draw(st.integers(0, 3)) == 0
    session = (
        f"SET SESSION sql_mode = '{mode}'",
        f"SET SESSION time_zone = '{draw(st.sampled_from(_ZONES))}'",
    )
    charset = draw(st.sampled_from(("utf8mb4", "utf8mb4", "latin1", "euckr")))
    first = [f"CREATE DATABASE {DATABASE} CHARACTER SET {charset}", *session]
    second = list(session)
    tables: list[Table] = []
    wanted = draw(
        st.lists(
            names.names(names.OWN_TABLES, plain=plain),
            min_size=2,
            max_size=4,
            unique_by=str.casefold,
        )
    )
    for position, name in enumerate(wanted[1:]):
        shape = draw(shapes(server, f"{DATABASE}.{placeholder(position)}", zero=zero))
        first += [shape.create, *draw(rows(shape, _MOST_ROWS))]
        second += draw(changes(server, shape, "added_later", zero=zero))
        tables.append(_table(draw, name, shape))
    if draw(st.integers(0, 5)) == 0:
        view = f"{DATABASE}.{placeholder(len(tables))}"
        first.append(f"CREATE VIEW {view} AS SELECT * FROM {shape.name}")
        tables.append(Table("", wanted[0], tables[-1].replication_key))
    return Database(draw(names.names()), tuple(tables), (tuple(first), tuple(second)))


def _table(draw: st.DrawFn, name: str, shape: Shape) -> Table:
    dates = [c.name for c in shape.columns if c.kind.declaration.startswith("DATE")]
    partition = draw(st.sampled_from(dates)) if dates and draw(st.integers(0, 5)) == 0 else None
    return Table("", name, shape.growing.name if shape.growing else None, partition)


@st.composite
def chosen_settings(draw: st.DrawFn) -> Settings:
    """What an operator may set."""
    strategy = draw(st.sampled_from(("sequential", "inter-table", "chunked")))
    small = draw(st.booleans())
    tap = {
        "backup_strategy": strategy,
        "backup_max_workers": draw(st.sampled_from((1, 2, 4))),
        "backup_num_chunks": draw(st.sampled_from((1, 2, 3))),
        "backup_batch_size": draw(st.sampled_from((1, 2, 3))) if small else 200_000,
        "backup_null_keys": draw(st.sampled_from(("refuse", "read"))),
        "backup_output": draw(st.sampled_from(("batch", "batch", "batch", "record"))),
    }
    form = draw(st.sampled_from(("csv", "csv", "parquet")))
    method = "append-only"
    if form == "csv":
        method = draw(st.sampled_from(("append-only", "append-only", "upsert")))
    warehouse = {
        "load_format": form,
        "load_method": method,
        "redshift_slices": draw(st.sampled_from((1, 2, 3))),
        "redshift_compression": draw(st.sampled_from(("gzip", "zstd"))),
    }
    reader = {"s3_output": draw(st.sampled_from(("batch", "batch", "batch", "records")))}
    if form == "parquet":
        reader = {"s3_output": "batch"}
    return Settings(
        tap, {}, reader, warehouse, draw(st.sampled_from((0, 1, 2, 3))) if small else 0,
        1 if small else 0,
    )  # fmt: skip


def generate(strategy: st.SearchStrategy[T], number: int) -> T:
    """Draws one example: always the same one for a number."""
    found: list[T] = []

    # The first example is the simplest one there is. After the second Hypothesis begins to vary
    # what it has had, which makes databases alike.
    @seed(number)
    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found[-1]


def told_apart(drawn: Sequence[Database], prefix: str) -> list[Database]:
    """Gives each database a name of its own, and its tables' copies names that are told apart.

    Every third database has a table of its neighbour's name. Of two copies of one name the later
    one is given another, but in every fiftieth database, where the load must refuse it.
    """
    taken: set[str] = set()
    made: list[Database] = []
    for number, database in enumerate(drawn):
        title = f"{prefix}{number}{database.name}"[:40].rstrip()
        words, tables = {DATABASE: quoting.name(title)}, []
        for position, table in enumerate(database.tables):
            name = table.name
            if number % 3 == 1 and not position:
                others = {other.name.casefold() for other in database.tables[1:]}
                twin = made[-1].tables[0].name
                name = name if twin.casefold() in others else twin
            is_taken = name.lower() in taken and (number + 1) % 50
            given = f"given_{number}_{position}" if is_taken else None
            taken.add(given or name.lower())
            words[placeholder(position)] = quoting.name(name)
            tables.append(Table(title, name, table.replication_key, table.partition, given))
        runs = tuple(tuple(_filled(text, words) for text in run) for run in database.runs)
        made.append(Database(title, tuple(tables), runs))
    return made


def _filled(statement: str, words: dict[str, str]) -> str:
    for placed, name in words.items():
        statement = statement.replace(placed, name)
    return statement

"""What happens to a table between two runs, and can be seen by its replication key."""

from __future__ import annotations

from hypothesis import strategies as st

from anydb.generate import quoting
from anydb.generate.model import Server
from anydb.generate.tables import Column, Shape, columns, insert

#: Values of a replication key that the next run looks at: the greatest, beyond it, and late ones
#: within BACKUP_LOOKBACK_SECONDS (300) and BACKUP_LOOKBACK_IDS (1000).
_NUMBERS = ("@top", "@top + 1", "@top + 2", "@top - 50")
_TIMES = ("@top", "@next", "@later", "@late")
_DAYS = ("@top", "@later")
_YEARS = ("@top",)
#: Beyond these a mode that is not strict makes a zero date of what is greater.
_ENDS = {"TIMESTAMP": "2038-01-15", "DATE": "9999-12-29", "DATETIME": "9999-12-29"}


@st.composite
def changes(draw: st.DrawFn, server: Server, shape: Shape, spare: str, *, zero: bool) -> list[str]:
    """Statements: at times a changed definition, then rows that are new, late, changed, gone."""
    statements = _tops(shape)
    shape, altered = draw(_altered(server, shape, spare, zero=zero))
    statements += altered
    statements += draw(_inserts(shape))
    statements += draw(_updates(shape))
    if draw(st.integers(0, 3)) == 0:
        statements.append(f"DELETE FROM {shape.name} LIMIT {draw(st.integers(1, 3))}")
    return statements


def _tops(shape: Shape) -> list[str]:
    """Keeps the greatest key, before rows come and go."""
    if shape.growing is None:
        return []
    column = quoting.name(shape.growing.name)
    if shape.growing.kind.growth == "number":
        return [f"SET @top = (SELECT COALESCE(MAX({column}), 0) + 0 FROM {shape.name})"]
    now = "CURRENT_TIMESTAMP(6)" if _is_timestamp(shape.growing) else "UTC_TIMESTAMP(6)"
    end = _ENDS[shape.growing.kind.declaration.partition("(")[0]]
    first = (
        f"SET @top = (SELECT COALESCE(NULLIF(MAX({column}), 0), '2024-05-05') FROM {shape.name})"
    )
    return [
        first,
        f"SET @next = IF(@top < '{end}', @top + INTERVAL 1 SECOND, @top)",
        f"SET @later = IF(@top < '{end}', @top + INTERVAL 2 DAY, @top)",
        f"SET @late = LEAST(CAST(@top AS DATETIME(6)), {now}) - INTERVAL 100 SECOND",
        "SET @late = IF(@top < '0001-01-02', @top, @late)",
    ]


def _is_timestamp(column: Column) -> bool:
    return column.kind.declaration.startswith("TIMESTAMP")


def _growth(growing: Column) -> st.SearchStrategy[str]:
    if growing.kind.growth == "number":
        return st.sampled_from(_YEARS if growing.kind.declaration == "YEAR" else _NUMBERS)
    return st.sampled_from(_DAYS if growing.kind.declaration == "DATE" else _TIMES)


@st.composite
def _inserts(draw: st.DrawFn, shape: Shape) -> list[str]:
    given = [column for column in shape.columns if column.given]
    if not given:
        return []
    made = []
    for _ in range(draw(st.integers(0, 4))):
        values = [
            draw(_growth(column) if column is shape.growing else column.literals)
            for column in given
        ]
        made.append(insert(shape, given, values))
    return made


@st.composite
def _updates(draw: st.DrawFn, shape: Shape) -> list[str]:
    """Each moves the replication key too, unless that is part of the key."""
    free = [c for c in shape.columns if c.given and c.name not in shape.key]
    growing = shape.growing
    able = [column for column in free if column is not growing]
    if not able:
        return []
    made = []
    for _ in range(draw(st.integers(0, 3))):
        column = draw(st.sampled_from(able))
        sets = [f"{quoting.name(column.name)} = {draw(column.literals)}"]
        where = ""
        if growing is not None and growing in free:
            sets.append(f"{quoting.name(growing.name)} = {draw(_growth(growing))}")
        elif growing is not None:
            where = f" WHERE {quoting.name(growing.name)} = @top"
        limit = draw(st.integers(1, 4))
        made.append(f"UPDATE {shape.name} SET {', '.join(sets)}{where} LIMIT {limit}")
    return made


@st.composite
def _altered(
    draw: st.DrawFn, server: Server, shape: Shape, spare: str, *, zero: bool
) -> tuple[Shape, list[str]]:
    """The table after an ALTER TABLE, mostly after none."""
    what = draw(st.sampled_from(("", "", "", "", "add", "add", "drop", "modify", "rename")))
    free = [
        c for c in shape.columns
        if c.given and c.name not in shape.key and c is not shape.growing
        and not any(f"({quoting.name(c.name)})" in o.extra for o in shape.columns)
    ]  # fmt: skip
    if what == "add":
        column = draw(columns(server, spare, zero=zero))
        place = draw(st.sampled_from(("", "", " FIRST")))
        return _with(shape, (*shape.columns, column)), [
            f"ALTER TABLE {shape.name} ADD COLUMN {column.definition}{place}"
        ]
    if not what or not free or len(shape.columns) < 2:
        return shape, []
    chosen = draw(st.sampled_from(free))
    rest = tuple(column for column in shape.columns if column is not chosen)
    name = quoting.name(chosen.name)
    if what == "drop":
        return _with(shape, rest), [f"ALTER TABLE {shape.name} DROP COLUMN {name}"]
    if what == "rename":
        renamed = Column(spare, chosen.kind, chosen.nullable, chosen.extra)
        return _with(shape, (*rest, renamed)), [
            f"ALTER TABLE {shape.name} CHANGE {name} {renamed.definition}"
        ]
    wider = _wider(chosen)
    if wider is None:
        return shape, []
    return shape, [f"ALTER TABLE {shape.name} MODIFY {name} {wider} NULL"]


def _with(shape: Shape, made: tuple[Column, ...]) -> Shape:
    return Shape(shape.name, made, shape.key, shape.growing, shape.create)


_WIDER = (
    ("TINYINT", "SMALLINT"), ("SMALLINT", "INT"), ("MEDIUMINT", "BIGINT"), ("INT", "BIGINT"),
    ("VARCHAR(3)", "VARCHAR(30)"), ("VARCHAR(10)", "VARCHAR(300)"), ("VARCHAR(40)", "TEXT"),
    ("CHAR(3)", "CHAR(9)"), ("BINARY(3)", "VARBINARY(9)"), ("TINYTEXT", "MEDIUMTEXT"),
    ("TEXT", "LONGTEXT"), ("BLOB", "LONGBLOB"), ("FLOAT", "DOUBLE"), ("DATE", "DATETIME"),
    ("DATETIME", "DATETIME(6)"), ("BIT(1)", "BIT(9)"),
)  # fmt: skip


def _wider(column: Column) -> str | None:
    """A type that holds every value of the column's."""
    declared, _, attributes = column.kind.declaration.partition(" ")
    for old, new in _WIDER:
        if declared == old and not ("DATE" in old and attributes):
            return f"{new} {attributes}".strip()
    return None

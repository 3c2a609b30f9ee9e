"""COPY decides whole blocks at once, or record by record: both must load the same."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redshift_stand_in.copy.failures import LoadError
from redshift_stand_in.copy.target import Column
from redshift_stand_in.copy.text import blocks, records, vectors
from redshift_stand_in.options.options import Options

_VARCHAR, _CHAR = Column("v", "varchar", 4 + 6), Column("c", "bpchar", 4 + 3)
COLUMNS = [
    _VARCHAR,
    _CHAR,
    Column("i", "int4"),
    Column("s", "int2"),
    Column("n", "numeric", 4 + (5 << 16 | 2)),
    Column("f", "float8"),
    Column("r", "float4"),
    Column("b", "bool"),
    Column("d", "date"),
    Column("t", "timestamp"),
    Column("y", "varbyte", 4 + 2),
    Column("m", "varchar", 4 + 6, not_null=True),
    Column("k", "int8", not_null=True),
]
FLAGS = ["EMPTYASNULL", "BLANKSASNULL", "TRIMBLANKS", "TRUNCATECOLUMNS", "IGNOREBLANKLINES"]
FLAGS += ["FILLRECORD", "ROUNDEC", "ACCEPTANYDATE"]
PIECES = [
    "",
    "a",
    "ab ",
    " ",
    "  ",
    "é",
    "abcdefg",
    "\\N",
    "NULL",
    "0",
    "1",
    "-7",
    "+3",
    "40000",
    "1.5",
]
PIECES += ["1.005", "99999.9", ".5", "1e3", "nan", "t", "FALSE", "yes", "2024-02-29", "2023-02-29"]
PIECES += [
    "2024-01-01 10:00:00",
    "2024-01-01 10:00:00.5",
    "4142",
    "4g",
    "'",
    "\ufeff",
    "\r",
    "\t",
    "\\",
]
QUOTED = ['"', '""', '"a"', '"x,y"', '"p\nq"', ' "a" ', '""""']
ENDS = ["\n", "\n", "\r\n", "\n\n", "\r\n\r\n"]


#: Data, the columns it is loaded into, and COPY's parameters.
Load = tuple[bytes, list[Column], Options]


@st.composite
def loads(draw: st.DrawFn) -> Load:
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3))
    values = dict.fromkeys(draw(st.sets(st.sampled_from(FLAGS))), "")
    is_csv = draw(st.booleans())
    if is_csv:
        values["CSV"] = ""
    if null := draw(st.sampled_from(["", None, None, "NULL", "a"])):
        values["NULL"] = null
    delimiter = "," if is_csv else "|"
    pieces = [*PIECES, *QUOTED] if is_csv else PIECES
    rows = draw(
        st.lists(
            st.tuples(
                st.lists(st.sampled_from(pieces), min_size=0, max_size=len(columns) + 1),
                st.sampled_from(ENDS),
            ),
            min_size=1,
            max_size=4,
        )
    )
    text = "".join(delimiter.join(row) + end for row, end in rows)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.encode(), columns, Options(values)


@pytest.mark.fault(193)
@settings(max_examples=500, deadline=None)
@given(loads())
def test_both_paths_load_the_same(load: Load) -> None:
    data, columns, options = load
    quote = options.quote if options.csv else None
    if not blocks.is_plain(data, quote, options.delimiter):
        return
    try:
        fast, count = vectors.convert(data, columns, options)
    except vectors.NotPlain:
        return
    errors: list[LoadError] = []
    slow, slow_count = records.convert(
        blocks.Block(data, 1), "s3://x", columns, options, errors.append
    )
    assert not errors
    assert (count, _rows(bytes(fast), columns)) == (slow_count, _rows(slow, columns))


def _rows(data: bytes, columns: list[Column]) -> list[list[object]]:
    """Rows as PostgreSQL reads them: an empty field without quotes is NULL."""
    marked = re.sub(r'(?<![^,\n])""(?![^,\n])', '"\x01"', data.decode())
    found = csv.reader(io.StringIO(marked, newline=""))
    return [[_value(v, c.kind) for v, c in zip(row or [""], columns, strict=True)] for row in found]


def _value(text: str, kind: str) -> object:
    if not text:
        return None
    text = text.replace("\x01", "")
    if kind == "bool":
        return text.lower()[0] in "ty1"
    if kind in ("int2", "int4", "int8", "numeric"):
        return Decimal(text)
    return repr(float(text)) if kind in ("float4", "float8") else text


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("null as '\\0'", "NULL", "\0"),
        ("null as '\\000'", "NULL", "\0"),
        ("null as '\\N'", "NULL", "\\N"),
        ("null as '\\\\N'", "NULL", "\\N"),
        ("delimiter '\\t'", "DELIMITER", "\t"),
        ("delimiter '\\001'", "DELIMITER", "\x01"),
    ],
)
def test_backslashes_in_parameters(text: str, name: str, value: object) -> None:
    from redshift_stand_in.options import options
    from redshift_stand_in.sql.lexer import Sql

    role = "iam_role 'arn:aws:iam::000000000000:role/copy'"
    assert options.parse(Sql(f"{role} {text}"), 0, "COPY").values[name] == value

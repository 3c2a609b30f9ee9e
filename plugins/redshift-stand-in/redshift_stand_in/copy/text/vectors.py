"""Whole blocks, checked column by column without a loop over the rows.

A block with anything wrong or rare is not decided here: :class:`NotPlain` sends it to
:mod:`records`, which goes row by row and finds the file's line, the column and the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from redshift_stand_in.copy.target import Column
from redshift_stand_in.options.options import Options

_INTEGER_TYPES = {"int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64()}
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2}(\.\d{1,6})?)?$"
_FLOAT = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"
_BOOLEANS = pa.array(["t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"])

_BLANK_LINE = re.compile(rb"(?:^|\n)(?:\r?\n|\r\Z)")

#: Any, since their stubs do not describe the functions' arguments.
pc: Any = pyarrow.compute
pacsv: Any = pyarrow.csv

_WRITE = pacsv.WriteOptions(include_header=False, quoting_style="all_valid")

#: A column of text, or of NULLs.
Strings = Any


class NotPlain(Exception):  # noqa: N818 - not an error, but a change of method
    """The block must be looked at row by row."""


def convert(data: bytes, columns: list[Column], options: Options) -> tuple[memoryview, int]:
    """Checks a block of CSV and writes it as PostgreSQL's COPY reads it.

    Args:
        data: whole records, plain in the sense of :func:`blocks.is_plain`.
        columns: of the target, in the order of the fields.
        options: of the COPY.

    Returns:
        CSV in which NULL is an empty field without quotes, and the number of rows.

    Raises:
        NotPlain: something in it needs a closer look.
    """
    if len(columns) > 1 and "IGNOREBLANKLINES" not in options and _BLANK_LINE.search(data):
        raise NotPlain("a blank line")
    try:
        table = _read(data, len(columns), options)
        checked = [_check(table.column(i), column, options) for i, column in enumerate(columns)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise NotPlain(str(error)) from None
    return write(checked), table.num_rows


def write(columns: list[Strings]) -> memoryview:
    """Columns as CSV in which NULL is an empty field without quotes."""
    sink = pa.BufferOutputStream()
    table = pa.table(columns, names=[str(i) for i in range(len(columns))])
    pacsv.write_csv(table, sink, _WRITE)
    return memoryview(sink.getvalue())


def _read(data: bytes, count: int, options: Options) -> Any:
    names = [str(i) for i in range(count)]
    empty = options.empty_as_null
    if data and not data.endswith(b"\n"):
        data += b"\n"  # without it Arrow takes an empty last field for one in quotes
    return pacsv.read_csv(
        pa.BufferReader(data),
        pacsv.ReadOptions(column_names=names, block_size=max(len(data) + 1, 1 << 16)),
        pacsv.ParseOptions(
            delimiter=options.delimiter,
            quote_char=options.quote if options.csv else False,
            double_quote=options.csv,
            newlines_in_values=options.csv,
            ignore_empty_lines="IGNOREBLANKLINES" in options,
        ),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""] if empty else [options.null],
            strings_can_be_null=True,
            quoted_strings_can_be_null=not empty,
        ),
    )


def _check(values: Strings, column: Column, options: Options) -> Strings:
    if options.empty_as_null and options.null:
        values = _null_where(values, pc.equal(values, options.null))
    if column.is_character:
        values = _character(values, column, options)
    else:
        if (pc.min(pc.binary_length(values)).as_py() or 0) == 0:
            values = _null_where(values, pc.equal(values, ""))
        values = _CHECKS.get(column.kind, _unknown)(values, column, options)
    if column.not_null and values.null_count:
        raise NotPlain("NULL in a NOT NULL column")
    return values


def _null_where(values: Strings, condition: Any) -> Strings:
    if not pc.any(condition).as_py():
        return values
    return pc.if_else(condition, pa.scalar(None, pa.string()), values)


def _all(condition: Any) -> None:
    if pc.all(condition).as_py() is False:
        raise NotPlain("a value does not fit")


def _character(values: Strings, column: Column, options: Options) -> Strings:
    if "BLANKSASNULL" in options:
        values = _null_where(values, pc.match_substring_regex(values, r"^\s+$"))
    if "TRIMBLANKS" in options and column.kind == "varchar":
        values = pc.utf8_rtrim(values, characters=" ")
    if column.length and (pc.max(pc.binary_length(values)).as_py() or 0) > column.length:
        raise NotPlain("a string is too long")
    if column.kind == "bpchar":
        _all(pc.string_is_ascii(values))
    return values


def _integer(values: Strings, column: Column, _: Options) -> Strings:
    if pc.any(pc.match_substring_regex(values, "[^0-9-]")).as_py():
        raise NotPlain("not a plain integer")
    pc.cast(values, _INTEGER_TYPES[column.kind])
    return values


def _decimal(values: Strings, column: Column, options: Options) -> Strings:
    if column.modifier < 4:
        _all(pc.match_substring_regex(values, r"^[+-]?(\d+(\.\d*)?|\.\d+)$"))
        return values
    whole = column.precision - column.scale
    _all(pc.match_substring_regex(values, rf"^[+-]?0*\d{{0,{whole}}}(\.\d*)?$"))
    _all(pc.match_substring_regex(values, r"\d"))
    long = pc.match_substring_regex(values, rf"\.\d{{{column.scale + 1}}}")
    if pc.any(long).as_py():
        if "ROUNDEC" in options:
            raise NotPlain("rounding may overflow")
        pattern = rf"(\.\d{{{column.scale}}})\d+$"
        values = pc.replace_substring_regex(values, pattern=pattern, replacement=r"\1")
    return values


def _float(values: Strings, column: Column, _: Options) -> Strings:
    _all(pc.match_substring_regex(values, _FLOAT))
    if column.kind == "float4":
        numbers = pc.abs(pc.cast(values, pa.float64()))
        if (pc.max(numbers).as_py() or 0) > 3.4e38:
            raise NotPlain("too large")
        _all(pc.or_(pc.greater(numbers, 1.2e-38), pc.equal(numbers, 0)))
    elif (pc.max(pc.binary_length(values)).as_py() or 0) > 100 or pc.any(
        pc.match_substring_regex(values, r"[eE][+-]?[23]\d\d")
    ).as_py():
        raise NotPlain("perhaps out of range")
    return values


def _boolean(values: Strings, _: Column, __: Options) -> Strings:
    _all(pc.or_kleene(pc.is_in(pc.ascii_lower(values), value_set=_BOOLEANS), pc.is_null(values)))
    return values


def _date(values: Strings, _: Column, options: Options) -> Strings:
    if options.values.get("DATEFORMAT", "YYYY-MM-DD") not in ("YYYY-MM-DD", "auto"):
        raise NotPlain("a date format")
    _all(pc.match_substring_regex(values, _DATE))
    pc.cast(values, pa.date32())
    return values


def _timestamp(values: Strings, _: Column, options: Options) -> Strings:
    if options.values.get("TIMEFORMAT", "auto") not in (
        "YYYY-MM-DD HH:MI:SS",
        "YYYY-MM-DD HH24:MI:SS",
        "auto",
    ):
        raise NotPlain("a time format")
    _all(pc.match_substring_regex(values, _TIMESTAMP))
    pc.cast(values, pa.timestamp("us"))
    return values


def _varbyte(values: Strings, column: Column, _: Options) -> Strings:
    _all(pc.match_substring_regex(values, "^([0-9A-Fa-f]{2})*$"))
    if column.length and (pc.max(pc.binary_length(values)).as_py() or 0) > 2 * column.length:
        raise NotPlain("too long")
    return pc.binary_join_element_wise(pa.scalar("\\x"), values, "")


def _unknown(_: Strings, __: Column, ___: Options) -> Strings:
    raise NotPlain("a type that is checked row by row")


_CHECKS: dict[str, Callable[[Strings, Column, Options], Strings]] = {
    "int2": _integer,
    "int4": _integer,
    "int8": _integer,
    "numeric": _decimal,
    "float4": _float,
    "float8": _float,
    "bool": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "varbyte": _varbyte,
}

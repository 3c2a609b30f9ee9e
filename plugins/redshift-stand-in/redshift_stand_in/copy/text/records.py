"""Records of a block, one after the other: slow, but it knows the line and the column.

Source: "Data format parameters" and "Data conversion parameters" in the Amazon Redshift Database
Developer Guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redshift_stand_in.copy import failures
from redshift_stand_in.copy.failures import BadValue, LoadError
from redshift_stand_in.copy.target import Column
from redshift_stand_in.copy.text import fields
from redshift_stand_in.copy.text.blocks import Block
from redshift_stand_in.options.options import Options

#: Marks a field that a short record lacks (FILLRECORD); no field can have this value.
_MISSING = "\0missing"
#: A field and whether it stood in quotes.
Field = tuple[str, bool]


@dataclass
class Record:
    """A record.

    Attributes:
        line: number of its first line in the file.
        text: as it stands there.
        fields: its fields; None when they cannot be told apart.
    """

    line: int
    text: str
    fields: list[Field] | None


def convert(
    block: Block,
    url: str,
    columns: list[Column],
    options: Options,
    report: Callable[[LoadError], None],
) -> tuple[bytes, int]:
    """Checks a block record by record and writes the good ones as PostgreSQL's COPY reads them.

    Args:
        block: whole records.
        url: of the file, for errors.
        columns: of the target.
        options: of the COPY.
        report: called with each record that cannot be loaded; it may raise to end the load.

    Returns:
        CSV in which NULL is an empty field without quotes, and the number of rows.
    """
    out: list[str] = []
    for record in split(block, options):
        if not record.text and "IGNOREBLANKLINES" in options:
            continue
        column: Column | None = None
        value = ""
        try:
            row = []
            for column, (value, quoted) in _paired(record, columns, options):
                absent = value == _MISSING
                row.append(
                    fields.absent(column, options)
                    if absent
                    else fields.convert(value, quoted=quoted, column=column, options=options)
                )
        except BadValue as error:
            whole = error.code in (1202, 1203, 1214, 1218)
            report(
                LoadError(
                    url,
                    record.line,
                    None if whole else column,
                    record.text,
                    "" if whole else value,
                    error.code,
                    error.reason,
                )
            )
            continue
        out.append(_csv(row))
    return "".join(out).encode(), len(out)


def _paired(
    record: Record, columns: list[Column], options: Options
) -> Iterator[tuple[Column, Field]]:
    fields = record.fields
    if "\0" in record.text and any("\0" in v and v != options.null for v, _ in fields or []):
        raise failures.nul_character()
    if fields is None:
        raise failures.bad_quotes()
    missing = len(columns) - len(fields)
    if missing < 0:
        raise failures.many_fields()
    if missing and "FILLRECORD" not in options:
        raise failures.few_fields()
    return zip(columns, [*fields, *((_MISSING, False),) * missing], strict=True)


def _csv(row: list[str | None]) -> str:
    return ",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in row) + "\n"


def split(block: Block, options: Options) -> Iterator[Record]:
    """Splits a block into records and fields, by the rules of its format."""
    text = block.data.decode("utf-8", "surrogateescape")
    if options.csv:
        return _split_csv(text, block.line, options)
    return _split_delimited(text, block.line, options)


def _split_csv(text: str, line: int, options: Options) -> Iterator[Record]:
    quote, delimiter = re.escape(options.quote), re.escape(options.delimiter)
    blank = "" if options.delimiter in " \t" else "[ \t]*"
    quoted = re.compile(
        f"{blank}{quote}((?:[^{quote}]|{quote}{quote})*){quote}{blank}(?={delimiter}|\r?\n|$)"
    )
    bare = re.compile(f"[^{delimiter}\n{quote}]*(?={delimiter}|\n|$)")
    at, start = 0, 0
    fields: list[Field] = []
    broken = False
    while at <= len(text):
        if at == len(text) and at == start and not fields:
            return
        if match := quoted.match(text, at):
            fields.append((match[1].replace(options.quote * 2, options.quote), True))
        elif match := bare.match(text, at):
            value = match[0]
            behind = text[match.end() : match.end() + 1]
            fields.append(
                (
                    value[:-1] if behind != options.delimiter and value.endswith("\r") else value,
                    False,
                )
            )
        else:
            broken = True
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        at = match.end() if match else at
        if text.startswith("\r\n", at):
            at += 1
        if text.startswith(options.delimiter, at) and not broken:
            at += 1
            continue
        raw = text[start:at].rstrip("\r")
        yield Record(line, raw, None if broken else fields)
        line += text.count("\n", start, at + 1)
        at += 1
        start, fields, broken = at, [], False
        if at >= len(text):
            return


def _split_delimited(text: str, line: int, options: Options) -> Iterator[Record]:
    escaping = "ESCAPE" in options
    record = re.compile(r"(?:\\.|[^\n\\])*" if escaping else r"[^\n]*", re.S)
    delimiter = re.escape(options.delimiter)
    field = re.compile(rf"(?:\\.|[^\\{delimiter}])*" if escaping else f"[^{delimiter}]*", re.S)
    at = 0
    while at < len(text):
        raw = whole = _matched(record, text, at)
        raw = raw.removesuffix("\r")
        fields: list[Field] | None = []
        place = 0
        while fields is not None:
            value = _matched(field, raw, place)
            if "REMOVEQUOTES" in options and value[:1] in ("'", '"'):
                fields = _unquoted(raw, place, value, fields, options)
                if fields is None:
                    break
                place += len(fields[-1][0]) + 2
            else:
                fields.append((_unescaped(value, options), False))
                place += len(value)
            if not raw.startswith(options.delimiter, place):
                break
            place += 1
        yield Record(line, raw, fields)
        line += raw.count("\n") + 1
        at += len(whole) + 1


def _matched(pattern: re.Pattern[str], text: str, at: int) -> str:
    """What a pattern matches at a place; the empty string if nothing."""
    match = pattern.match(text, at)
    return match[0] if match else ""


def _unquoted(
    raw: str, place: int, value: str, fields: list[Field], options: Options
) -> list[Field] | None:
    """A field in quotes, which may hold delimiters and quotes; None when it is not closed."""
    closing = re.compile(rf"{value[0]}(?={re.escape(options.delimiter)}|$)")
    end = closing.search(raw, place + 1)
    return [*fields, (raw[place + 1 : end.start()], False)] if end else None


def _unescaped(value: str, options: Options) -> str:
    if "ESCAPE" not in options or value == options.null:
        return value
    return re.sub(r"\\(.)", r"\1", value, flags=re.S)

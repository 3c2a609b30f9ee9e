"""The UNLOAD command.

Source: "UNLOAD" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from redshift_stand_in import assumerole
from redshift_stand_in.context import Context
from redshift_stand_in.copy import source
from redshift_stand_in.copy.target import Column
from redshift_stand_in.copy.text import blocks
from redshift_stand_in.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMETER,
    SYNTAX_ERROR,
    StatementError,
)
from redshift_stand_in.options import options
from redshift_stand_in.sql import refuse
from redshift_stand_in.sql.lexer import Sql, literal, quote
from redshift_stand_in.unload.formats import DelimitedWriter, FileWriter, ParquetWriter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MIN_FILE_BYTES = 5 << 20
_MAX_FILE_BYTES = int(6.2 * (1 << 30))
_MIN_ROW_GROUP, _MAX_ROW_GROUP = 32 << 20, 128 << 20
_COPY_ONLY = (
    "EMPTYASNULL",
    "BLANKSASNULL",
    "TRUNCATECOLUMNS",
    "TRIMBLANKS",
    "FILLRECORD",
    "IGNOREBLANKLINES",
    "ROUNDEC",
    "EXPLICIT_IDS",
    "ACCEPTANYDATE",
    "NOLOAD",
    "REMOVEQUOTES",
    "MAXERROR",
    "IGNOREHEADER",
    "COMPROWS",
    "STATUPDATE",
    "COMPUPDATE",
    "ACCEPTINVCHARS",
    "QUOTE",
    "DATEFORMAT",
    "TIMEFORMAT",
)
_NOT_IN_PARQUET = ("DELIMITER", "ADDQUOTES", "ESCAPE", "NULL", "HEADER", "GZIP", "ZSTD", "CSV")


@dataclass
class Unload:
    """A parsed UNLOAD.

    Attributes:
        query: in Redshift's words when parsed, in PostgreSQL's when run.
        bucket: where to.
        prefix: what the files' keys begin with.
        options: its parameters.
        written: keys and lengths of the files.
    """

    query: str
    bucket: str
    prefix: str
    options: options.Options
    written: list[tuple[str, int]] = field(default_factory=list)


def parse(sql: Sql) -> Unload:
    """Parses an UNLOAD.

    Raises:
        StatementError: Redshift refuses it.
    """
    if sql.norms(1, 5) != ("(", "'", ")", "TO", "'"):
        raise sql.unexpected(1)
    inner = Sql(sql.tokens[2].value)
    if inner.norm(0) not in ("SELECT", "WITH", "("):
        raise StatementError("UNLOAD takes a SELECT", SYNTAX_ERROR)
    if any(token.norm == "LIMIT" and token.depth == 0 for token in inner.tokens):
        raise StatementError("Limit clause is not supported", SYNTAX_ERROR)
    refuse.check(inner)
    bucket, prefix = source.split_url(sql.tokens[5].value)
    given = options.parse(sql, 6, "UNLOAD")
    refused = _COPY_ONLY + (_NOT_IN_PARQUET if given.parquet else ())
    for name in refused:
        if name in given:
            raise StatementError(f"{name} is not supported by this UNLOAD", SYNTAX_ERROR)
    size = given.number("MAXFILESIZE", _MAX_FILE_BYTES)
    if not _MIN_FILE_BYTES <= size <= _MAX_FILE_BYTES:
        raise StatementError("MAXFILESIZE must be between 5 MB and 6.2 GB", INVALID_PARAMETER)
    _check_row_groups(given)
    return Unload(inner.text, bucket, prefix, given)


def _check_row_groups(given: options.Options) -> None:
    if "ROWGROUPSIZE" not in given:
        return
    if not given.parquet:
        raise StatementError("ROWGROUPSIZE is supported for PARQUET only", SYNTAX_ERROR)
    if not _MIN_ROW_GROUP <= given.number("ROWGROUPSIZE") <= _MAX_ROW_GROUP:
        raise StatementError("ROWGROUPSIZE must be between 32 MB and 128 MB", INVALID_PARAMETER)


def plan(sql: Sql) -> Callable[[Context], str]:
    """What runs the UNLOAD."""
    parsed = parse(sql)
    return lambda context: run(
        context,
        replace(parsed, query=context.rewritten(context.shortened(parsed.query))),
    )


def run(context: Context, unload: Unload) -> str:
    """Writes the rows to S3.

    Raises:
        StatementError: the prefix is not empty, or S3 refuses.
        BackendError: the query fails.
    """
    assumerole.check(context, unload.options, "UNLOAD")
    client = context.s3.client_for(unload.options.keys)
    _make_room(client, unload)
    with context.transaction():
        columns = _columns(context, unload.query)
        named = [replace(c, name=context.names.restored_text(c.name)) for c in columns]
        writer = _writer(named, unload.options)
        listed = ", ".join(_written(each, unload.options.parquet) for each in columns)
        rows = _write(
            context, client, unload, writer, f"select {listed} from ({unload.query}) as rs_unload"
        )
        if "MANIFEST" in unload.options:
            _put_manifest(client, unload)
        context.query(
            f"select pg_catalog.set_config('redshift.last_unload_count', '{rows}', false)"
        )
    _journal(context, unload, rows)
    context.notice(f"UNLOAD completed, {rows} record(s) unloaded successfully.")
    return "UNLOAD"


def _make_room(client: S3Client, unload: Unload) -> None:
    with source.s3_errors(f"s3://{unload.bucket}/{unload.prefix}"):
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=unload.bucket, Prefix=unload.prefix
        )
        there = [o["Key"] for page in pages for o in page.get("Contents", [])]
        if there and "CLEANPATH" in unload.options:
            for key in there:
                client.delete_object(Bucket=unload.bucket, Key=key)
        elif there and "ALLOWOVERWRITE" not in unload.options:
            raise StatementError(
                "Specified unload destination on S3 is not empty. Consider using a different "
                "bucket / "
                "prefix, manually removing the target files in S3, or using the "
                "ALLOWOVERWRITE option.",
                INTERNAL_ERROR,
            )


def _written(column: Column, parquet: bool) -> str:
    """A column as the files show it; SUPER is JSON, and Parquet has every bit of a number."""
    name = quote(column.name)
    forms = {
        "varbyte": f"pg_catalog.from_varbyte({name}, 'hex')",
        "super": f"pg_catalog.redshift_super_text({name})",
    }
    if parquet:
        forms |= dict.fromkeys(("float4", "float8"), f"pg_catalog.redshift_all_digits({name})")
    return forms.get(column.kind, name)


def _columns(context: Context, query: str) -> list[Column]:
    context.query(f"create temporary view redshift_unload as {query}")
    rows = context.query(
        "select attname, typname, atttypmod from pg_catalog.pg_attribute a join "
        "pg_catalog.pg_type t "
        "on t.oid = a.atttypid where attrelid = 'pg_temp.redshift_unload'::pg_catalog.regclass "
        "and attnum > 0 order by attnum"
    )
    context.query("drop view pg_temp.redshift_unload")
    return [Column(str(name), str(kind), int(modifier or -1)) for name, kind, modifier in rows]


def _writer(columns: list[Column], given: options.Options) -> FileWriter:
    return ParquetWriter(columns) if given.parquet else DelimitedWriter(columns, given)


def _write(
    context: Context, client: S3Client, unload: Unload, writer: FileWriter, query: str
) -> int:
    limit = unload.options.number("MAXFILESIZE", _MAX_FILE_BYTES)
    rest = bytearray()

    def close() -> None:
        _upload(client, unload, writer)

    def take(data: bytes) -> None:
        rest.extend(data)
        if len(rest) >= blocks.BLOCK_BYTES // 8:
            flush()

    def flush() -> None:
        # PostgreSQL sends a whole row in each message.
        writer.add(bytes(rest))
        rest.clear()
        if writer.size() >= limit:
            close()

    count = context.backend.copy_out(f"copy ({query}) to stdout (format csv)", take)
    if rest:
        flush()
    if writer.size() or not unload.written:
        close()
    return count


def _upload(client: S3Client, unload: Unload, writer: FileWriter) -> None:
    part = len(unload.written)
    parallel = unload.options.values.get("PARALLEL", "ON") in ("ON", "TRUE")
    extension = unload.options.values.get("EXTENSION") or writer.extension
    name = f"0000_part_{part:02}" if parallel else f"{part:03}"
    separator = "" if not extension or extension.startswith(".") else "."
    key = f"{unload.prefix}{name}{separator}{extension}"
    data = writer.finish()
    with source.s3_errors(f"s3://{unload.bucket}/{key}"):
        client.put_object(Bucket=unload.bucket, Key=key, Body=data)
    unload.written.append((key, len(data)))


def _put_manifest(client: S3Client, unload: Unload) -> None:
    entries = [
        {"url": f"s3://{unload.bucket}/{key}", "meta": {"content_length": size}}
        for key, size in unload.written
    ]
    key = f"{unload.prefix}manifest"
    with source.s3_errors(f"s3://{unload.bucket}/{key}"):
        client.put_object(
            Bucket=unload.bucket, Key=key, Body=json.dumps({"entries": entries}).encode()
        )


def _journal(context: Context, unload: Unload, rows: int) -> None:
    kind = "Parquet" if unload.options.parquet else "CSV" if unload.options.csv else "Text"
    user = literal(context.user)
    values = ", ".join(
        f"((select oid::int from redshift_hidden.pg_roles where rolname = {user}), "
        "redshift_hidden.nextval('redshift_meta.query_id'), "
        f"{literal(f's3://{unload.bucket}/{key}')}, "
        f"{rows if position == 0 else 0}, {size}, {literal(kind)}, pg_catalog.now() at time "
        f"zone 'UTC')"
        for position, (key, size) in enumerate(unload.written)
    )
    context.as_superuser(f"insert into redshift_meta.unloads values {values}")

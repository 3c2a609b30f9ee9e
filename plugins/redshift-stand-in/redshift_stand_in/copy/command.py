"""The COPY command.

Source: "COPY" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redshift_stand_in import assumerole
from redshift_stand_in.context import Context
from redshift_stand_in.copy import journal, source, target
from redshift_stand_in.copy.load import Load, TooManyErrors
from redshift_stand_in.errors import (
    INTERNAL_ERROR,
    BackendError,
    StatementError,
)
from redshift_stand_in.options import options
from redshift_stand_in.sql.lexer import Sql, qualified

_CHECK = "Check 'stl_load_errors' system table for details."


@dataclass(frozen=True)
class Copy:
    """A parsed COPY.

    Attributes:
        table: quoted, qualified name.
        columns: the column list, None when there is none.
        url: ``s3://…``.
        options: its parameters.
    """

    table: str
    columns: list[str] | None
    url: str
    options: options.Options


def parse(sql: Sql) -> Copy:
    """Parses a COPY.

    Raises:
        StatementError: Redshift refuses it.
    """
    parts, i = sql.table_name(1)
    columns = None
    if sql.norm(i) == "(":
        end = sql.close(i)
        columns = [t.name for t in sql.tokens[i + 1 : end] if t.is_name]
        i = end + 1
    if sql.norm(i) != "FROM" or sql.norm(i + 1) != "'":
        raise sql.unexpected(i)
    url = sql.tokens[i + 1].value
    if not url.startswith("s3://"):
        raise StatementError(
            f"COPY from {url} is not supported by the local Redshift stand-in: S3 only"
        )
    return Copy(qualified(parts), columns, url, options.parse(sql, i + 2, "COPY"))


def plan(sql: Sql) -> Callable[[Context], str]:
    """What runs the COPY."""
    copy = parse(sql)
    return lambda context: run(context, copy)


def run(context: Context, copy: Copy) -> str:
    """Loads the files; load errors are kept even if the transaction is rolled back.

    Raises:
        StatementError: the load failed.
        BackendError: PostgreSQL refused it.
    """
    with context.transaction():
        assumerole.check(context, copy.options, "COPY")
        context.lock_for_write(copy.table)
        found = target.look_up(context, copy.table, copy.columns, copy.options)
        _know_limits(context, found, copy.options)
        client = context.s3.client_for(copy.options.keys)
        entry = journal.begin(context, copy.url, found, copy.options)
        load = Load(client, [], found, copy.options)
        try:
            load.files.extend(source.find(client, copy.url, copy.options))
            if "NOLOAD" in copy.options:
                for _ in load.stream():
                    continue
            else:
                context.backend.copy_in(found.copy_statement, load.stream())
                if found.temporary:
                    context.query(found.count_statement)
        except TooManyErrors:
            message = f"Load into table '{found.name}' failed.  {_CHECK}"
            journal.failed(context, entry, load, message)
            raise StatementError(message, INTERNAL_ERROR) from None
        except (StatementError, BackendError) as error:
            journal.failed(context, entry, load, str(error))
            raise
        context.query(
            f"select pg_catalog.set_config('redshift.last_copy_count', '{load.rows}', false), "
            f"pg_catalog.set_config('redshift.last_copy_id', '{entry.query}', false), "
            f"pg_catalog.set_config('redshift.last_query_id', '{entry.query}', false)"
        )
    journal.completed(context, entry, load)
    if load.errors:
        context.notice(
            f"Load into table '{found.name}' completed, {len(load.errors)} record(s) could "
            f"not be loaded.  "
            "Check 'stl_load_errors' system table for details."
        )
    context.notice(
        f"Load into table '{found.name}' completed, {load.rows} record(s) loaded successfully."
    )
    return "COPY"


def _know_limits(context: Context, found: target.Target, parameters: options.Options) -> None:
    if any(column.kind == "super" for column in found.columns):
        [[size]] = context.query("select pg_catalog.redshift_string_bytes()")
        parameters.string_bytes = int(str(size))

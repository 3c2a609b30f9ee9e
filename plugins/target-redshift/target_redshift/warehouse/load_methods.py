"""The load methods: how a staged load becomes rows of the landing table, inside its transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidemark_core.errors import ConfigError, WarehouseError
from tidemark_core.names import DELETED_AT, EXTRACTED_AT, LOAD_ID, landing_relation, quote_redshift
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.redshift.errors import QueryError
from tidemark_core.s3.client import S3Location
from tidemark_core.text.printable import key_text

from target_redshift import events
from target_redshift.model.key_rules import unfit_rows
from target_redshift.model.landing_table import Column, LandingTable
from target_redshift.settings import LoadSettings
from target_redshift.staging.csv_stager import Staged
from target_redshift.staging.load_file import LoadFile
from target_redshift.staging.parquet_stager import StagedParquet
from target_redshift.staging.value_fitter import key_error
from target_redshift.warehouse.copy_authorization import authorization
from target_redshift.warehouse.sql import quoting, tables, upsert
from target_redshift.warehouse.sql.copy import COPIED_ROWS, CopyOptions, copy
from target_redshift.warehouse.stage_tables import stage_table


class CopyError(QueryError):
    """COPY refused its files; the warehouse's load errors say why."""


@dataclass(frozen=True)
class Load:
    """A staged load.

    Attributes:
        landing: The table.
        staged: Its parts.
        files: The files that they came from.
        load_id: Of all its rows.
        method: How its rows come into the table.
        config: The settings.
        newest: Columns by which an upsert finds a key's newest row.
        s3: The lake.
        phase: Called with what begins: COPY, insert.
    """

    landing: LandingTable
    staged: Staged
    files: Sequence[LoadFile]
    load_id: int
    method: str
    config: LoadSettings
    newest: Sequence[str]
    s3: S3Location
    phase: Callable[[str], object] = lambda _: None

    @property
    def name(self) -> str:
        return self.landing.name

    @property
    def temporary(self) -> str:
        return f"tidemark_{self.load_id}"


def check_method(landing: LandingTable, method: str) -> None:
    """Refuses an upsert without a key.

    Raises:
        ConfigError: The stream has no key.
    """
    if method == "upsert" and not landing.keys:
        raise ConfigError(
            "load_method=upsert needs a key, but this stream has none",
            table=landing.table,
            hint="set table-key-properties in the tap's metadata, or LOAD_METHOD=append-only",
        )


def run_method(connection: WarehouseConnection, load: Load) -> None:
    """Brings the rows into the landing table.

    Raises:
        CopyError: COPY refused a row or a file.
        WarehouseError: COPY loaded a different number of rows than staged, or an overwrite
            would leave the table empty.
    """
    if load.method == "overwrite":
        _make_room(connection, load)
    if not load.staged.rows:
        return
    if isinstance(load.staged, StagedParquet):
        _copy_parquet(connection, load, load.staged)
    elif load.method == "upsert":
        _upsert(connection, load)
    else:
        _copy(connection, load, landing_relation(load.name), load.landing.names)


def _make_room(connection: WarehouseConnection, load: Load) -> None:
    filled = connection.execute(tables.has_rows(load.name), what="the query for its rows")
    if filled and not load.staged.rows and not load.config.redshift_allow_empty_overwrite:
        raise WarehouseError(
            "the source returned no rows, and overwriting the landing table would empty it",
            table=load.landing.table,
            hint="if the source really is empty, set REDSHIFT_ALLOW_EMPTY_OVERWRITE=true",
        )
    if filled:
        connection.execute(
            tables.delete_all(load.name), what="the removal of its rows", table=load.landing.table
        )


def _copy(
    connection: WarehouseConnection,
    load: Load,
    target: str,
    columns: Sequence[str],
    *,
    manifest: str | None = None,
    rows: int | None = None,
) -> None:
    parquet = isinstance(load.staged, StagedParquet)
    options = CopyOptions(
        authorization=authorization(load.config.redshift_iam_role, load.s3),
        region=load.s3.region,
        compression=None if parquet else load.config.redshift_compression,
        null_text=load.staged.marker,
    )
    load.phase("COPY")
    try:
        with events.step(load.landing.table, "copy"):
            connection.execute(
                copy(target, columns, manifest or load.staged.manifest, options),
                what=f"COPY into landing.{load.name}",
                table=load.landing.table,
            )
    except QueryError as error:
        if error.lost or error.retryable or error.sqlstate not in ("XX000", "22000", ""):
            raise
        raise CopyError(error.message, sqlstate=error.sqlstate, table=error.table) from error
    expected = load.staged.rows if rows is None else rows
    ((copied,),) = connection.execute(COPIED_ROWS, what="the count of the rows copied")
    if copied != expected:
        raise WarehouseError(
            f"COPY loaded {copied} rows, but {expected} were staged; it was rolled back",
            table=load.landing.table,
            hint="run again; if it happens again, check sys_load_history and the staged parts",
        )


def _upsert(connection: WarehouseConnection, load: Load) -> None:
    """COPY into a temporary table, then DELETE and INSERT by key; a row's newest version wins."""
    table, temporary = load.landing.table, load.temporary
    definitions = [*load.landing.definitions, (upsert.ROW_NUMBER, "BIGINT")]
    connection.execute(
        tables.create_temporary(temporary, definitions), what="CREATE TEMP TABLE", table=table
    )
    _copy(connection, load, quote_redshift(temporary), [name for name, _ in definitions])
    load.phase("insert")
    with events.step(table, "insert"):
        _merge(connection, load)
    connection.execute(tables.drop_temporary(temporary), what="DROP of the temporary table")


def _merge(connection: WarehouseConnection, load: Load) -> None:
    name, temporary, table = load.name, load.temporary, load.landing.table
    keys = [column.name for column in load.landing.keys]
    for statement, what in (
        (
            upsert.delete_superseded(temporary, keys, load.newest),
            "DELETE of versions that the load itself replaces",
        ),
        (
            upsert.delete_outdated(name, temporary, keys, load.newest),
            "DELETE of versions older than those that are there",
        ),
        (upsert.delete_replaced(name, temporary, keys), "DELETE by key"),
        (
            tables.insert_all(name, quote_redshift(temporary), load.landing.names, {}),
            "INSERT by key",
        ),
    ):
        connection.execute(statement, what=what, table=table)


def _copy_parquet(connection: WarehouseConnection, load: Load, staged: StagedParquet) -> None:
    """Copies each group via its stage table; the INSERT gives its rows the columns they lack."""
    table = load.landing.table
    for number, group in enumerate(staged.groups):
        stage = landing_relation(stage_table(load.name, load.load_id, number))
        names = [column.name for column in group.columns]
        own = constants(group.moment, load.load_id)
        own = {name: text for name, text in own.items() if name not in names}
        _copy(connection, load, stage, names, manifest=group.manifest, rows=group.rows)
        _check_copied_keys(connection, load, stage, group.columns)
        load.phase("insert")
        with events.step(table, "insert"):
            connection.execute(
                tables.insert_all(load.name, stage, names, own),
                what="INSERT of the copied rows",
                table=table,
            )


def _check_copied_keys(
    connection: WarehouseConnection, load: Load, stage: str, columns: Sequence[Column]
) -> None:
    """Checks keys that were not read before: COPY reads the lake's own files.

    Raises:
        WarehouseError: A key is not what it was, or is taken for another one.
    """
    keys = load.landing.keys
    missing = [key for key in keys if key not in columns]
    if missing:
        raise key_error(load.landing, missing[0].source, None, "the files lack a key column")
    found = keys and connection.execute(
        unfit_rows(stage, keys), what="the check of the keys", table=load.landing.table
    )
    if found:
        (row,) = found
        key = key_text(dict(zip((k.source for k in keys), row, strict=True)))
        raise key_error(
            load.landing,
            None,
            key,
            "a key is NULL, or ends in a blank, which Redshift ignores when comparing keys",
        )


def constants(moment: datetime, load_id: int) -> dict[str, str]:
    """Tidemark's columns as SQL expressions, for rows that come without them."""
    stamp = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    return {
        EXTRACTED_AT: f"CAST({quoting.literal(stamp)} AS TIMESTAMP)",
        DELETED_AT: "CAST(NULL AS TIMESTAMP)",
        LOAD_ID: str(int(load_id)),
    }

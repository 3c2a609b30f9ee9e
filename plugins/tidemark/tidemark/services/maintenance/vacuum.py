"""What the warehouse's tables need: VACUUM and ANALYZE, by what svv_table_info says of them.

Redshift does both by itself when it has little else to do; it has not got to what is found here.
https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLE_INFO.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tidemark_core.names import LANDING_SCHEMA, redshift_relation
from tidemark_core.redshift.connection import connect

from tidemark.config.project import Project
from tidemark.dbt.buildstate import state_schema

#: Below this many rows neither makes a difference.
_FEW_ROWS = 1_000
#: Percent of the rows that are deleted, or out of their order, and how far statistics are off.
_DELETED, _UNSORTED, _STALE = 20, 20, 10
_QUERY = (
    'SELECT "schema", "table", tbl_rows, estimated_visible_rows, unsorted, stats_off '
    'FROM svv_table_info WHERE "schema" IN (?, ?, ?) ORDER BY "schema", "table"'
)


@dataclass(frozen=True)
class Need:
    """What a table needs.

    Attributes:
        table: ``schema.table`` of the warehouse.
        why: What is wrong with it.
        command: What its owner, or a superuser, is to run.
    """

    table: str
    why: str
    command: str


def needs(project: Project) -> list[Need]:
    """Asks the warehouse about the tables that we load and build.

    Raises:
        TidemarkError: It cannot be asked, or does not let the loader look.
    """
    public = project.public_schema
    with connect(project.warehouse) as warehouse:
        rows = warehouse.execute(
            _QUERY, [LANDING_SCHEMA, public, state_schema(public)], what="a query on svv_table_info"
        )
    return [need for row in rows for need in judge(*row)]


def judge(
    schema: str,
    table: str,
    rows: Decimal | int,
    visible: Decimal | int,
    unsorted: Decimal | float | None,
    stale: Decimal | float | None,
) -> Iterator[Need]:
    """Judges a line of svv_table_info. Pure.

    Args:
        schema: The table's schema.
        table: Its name.
        rows: All its rows, including deleted ones that are not vacuumed yet.
        visible: Those that a query sees.
        unsorted: Percent that is not in the order of the sort key; None: it has none.
        stale: How far its statistics are off, in percent; None if unknown.
    """
    if rows < _FEW_ROWS:
        return
    name = redshift_relation(schema, table)
    deleted = 100 * float(rows - visible) / float(rows)
    is_unsorted = float(unsorted or 0) >= _UNSORTED
    found = [f"{deleted:.0f}% of its rows are deleted"] if deleted >= _DELETED else []
    found += [f"{float(unsorted or 0):.0f}% of it is unsorted"] if is_unsorted else []
    if found:
        kind = "" if len(found) > 1 else "SORT ONLY " if is_unsorted else "DELETE ONLY "
        yield Need(f"{schema}.{table}", " and ".join(found), f"VACUUM {kind}{name}")
    if stale is not None and float(stale) >= _STALE:
        why = f"its statistics are {float(stale):.0f}% off"
        yield Need(f"{schema}.{table}", why, f"ANALYZE {name}")

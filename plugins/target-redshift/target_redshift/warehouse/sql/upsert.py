"""The SQL of an upsert, as pure functions that quote what they are given.

The loaded rows come in a temporary table, each with its number in the load. A row's newest version
stays, whichever load brought it, so that the same files give the same table in any order. Versions
are compared as in dbt (transform/macros/loads/versions.sql): by columns, a missing value being
older than any other; of two equal ones the one that is loaded last is the newer one.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidemark_core.names import landing_relation, quote_redshift

from target_redshift.warehouse.sql.quoting import listed

#: Arrival order of a row in its load; only in the temporary table.
ROW_NUMBER = "_tidemark_row"
_RANK = "_tidemark_rank"


def delete_superseded(temporary: str, keys: Sequence[str], newest: Sequence[str]) -> str:
    """DELETE of the loaded rows of which the same load has a newer version."""
    table, number = quote_redshift(temporary), quote_redshift(ROW_NUMBER)
    order = [f"{quote_redshift(column)} DESC NULLS LAST" for column in newest]
    return (
        f"DELETE FROM {table} WHERE {number} IN (SELECT {number} FROM "
        f"(SELECT {number}, ROW_NUMBER() OVER (PARTITION BY {listed(keys)} "
        f"ORDER BY {', '.join([*order, f'{number} DESC'])}) AS {_RANK} FROM {table}) AS ranked "
        f"WHERE {_RANK} > 1)"
    )


def delete_outdated(name: str, temporary: str, keys: Sequence[str], newest: Sequence[str]) -> str:
    """DELETE of the loaded rows of which the landing table has a newer version."""
    table, new = landing_relation(name), quote_redshift(temporary)
    return (
        f"DELETE FROM {new} USING {table} "
        f"WHERE {_same(table, new, keys)} AND {_is_newer(table, new, newest)}"
    )


def delete_replaced(name: str, temporary: str, keys: Sequence[str]) -> str:
    """DELETE of the landing table's rows whose key the temporary table has."""
    table, new = landing_relation(name), quote_redshift(temporary)
    return f"DELETE FROM {table} USING {new} WHERE {_same(table, new, keys)}"


def _same(left: str, right: str, keys: Sequence[str]) -> str:
    """The condition that two rows have one key; a key is never NULL, so the join can hash."""
    return " AND ".join(f"{left}.{key} = {right}.{key}" for key in map(quote_redshift, keys))


def _equal(left: str, right: str, column: str) -> str:
    return (
        f"{left}.{column} = {right}.{column} OR ({left}.{column} IS NULL "
        f"AND {right}.{column} IS NULL)"
    )


def _is_newer(left: str, right: str, newest: Sequence[str]) -> str:
    cases, ties = [], ""
    for column in map(quote_redshift, newest):
        a, b = f"{left}.{column}", f"{right}.{column}"
        cases.append(f"({ties}({a} > {b} OR ({a} IS NOT NULL AND {b} IS NULL)))")
        ties += f"({_equal(left, right, column)}) AND "
    return f"({' OR '.join(cases)})"

"""Which loads dbt has built, as its own state says."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark_core.names import TableName, redshift_relation
from tidemark_core.redshift.connection import connect

from tidemark.config.project import Project
from tidemark.dbt.buildstate import state_schema
from tidemark.services.lake.ledger import relation_exists


def built_loads(project: Project, tables: Iterable[TableName]) -> dict[TableName, set[int]]:
    """The loads that dbt has built, read as dbt's user: the state tables are dbt's own.

    Returns:
        Load ids by table; a table that dbt was never asked to remember loads of is not in it.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    found, schema = {}, state_schema(project.public_schema)
    with connect(project.reader) as warehouse:
        for table in tables:
            state = f"{project.names.of(table)}__loads"
            if relation_exists(warehouse, schema, state):
                query = f"SELECT load_id FROM {redshift_relation(schema, state)}"
                rows = warehouse.execute(query, what="reading dbt's state")
                found[table] = {int(load) for (load,) in rows}
    return found

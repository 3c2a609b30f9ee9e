"""Records of successful builds in the warehouse, where any machine sees them: the SQL, run here.

In the schema of dbt's own state: ``whole_builds`` (one row per successful whole build) and
``tested_loads`` (the loads that a build has built and tested).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from tidemark_core.names import LANDING_SCHEMA, LEDGER_TABLE, redshift_relation
from tidemark_core.redshift.connection import WarehouseConnection
from tidemark_core.redshift.errors import QueryError
from tidemark_core.redshift.ledger import LEDGER

from tidemark.dbt.builders import patiently
from tidemark.dbt.plan import Loads, Shape, WholeBuild

_WHOLE, _TESTED = "whole_builds", "tested_loads"
_SHAPES = {
    _TESTED: "(landing_table VARCHAR(127) NOT NULL, load_id BIGINT NOT NULL,"
    " tested_at TIMESTAMP NOT NULL, run_id VARCHAR(127) NOT NULL)"
    " DISTSTYLE ALL SORTKEY (landing_table, load_id)",
    _WHOLE: "(built_at TIMESTAMP NOT NULL, fingerprint CHAR(64) NOT NULL,"
    " project VARCHAR(65535) NOT NULL, run_id VARCHAR(127) NOT NULL)"
    " DISTSTYLE ALL SORTKEY (built_at)",
}
_ROWS_PER_INSERT = 500
_RELATIONS = (
    "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid"
    " WHERE c.relkind IN ('r', 'v') AND n.nspname IN ({})"
)


def state_schema(target_schema: str) -> str:
    """The schema of dbt's state, as macro schema_in_target has it."""
    return "tidemark_dbt" if target_schema == "public" else f"{target_schema}_tidemark_dbt"


@dataclass(frozen=True)
class Found:
    """What the warehouse says before a build.

    Attributes:
        last: The last successful whole build.
        relations: ``schema.name`` of everything in its schemas, dbt's own and landing.
        waiting: Loads that no successful build has built and tested.
    """

    last: WholeBuild | None
    relations: frozenset[str]
    waiting: Loads


class BuildState:
    """Reads and writes the records.

    Args:
        warehouse: A session of dbt's user.
        schema: From `state_schema`.
        patience: Seconds that it waits for running builds; 0: no limit.
    """

    def __init__(self, warehouse: WarehouseConnection, schema: str, patience: int = 0) -> None:
        self._warehouse = warehouse
        self._schema = schema
        self._patience = patience

    def read(self) -> Found:
        """Reads all that decides what a nightly build does.

        Raises:
            WarehouseError: The warehouse cannot be asked.
            LeaseError: A build holds a table for longer than ``patience``.
        """
        own = self._relations({self._schema, LANDING_SCHEMA})
        last = self._last_whole_build() if self._named(_WHOLE) in own else None
        shape = last.shape if last else Shape(frozenset(), frozenset(), frozenset())
        schemas = {relation.partition(".")[0] for relation in shape.relations}
        relations = own | (self._relations(schemas) if schemas else frozenset())
        if f"{LANDING_SCHEMA}.{LEDGER_TABLE}" not in own:
            return Found(last, relations, {})
        remembering = [t for t in sorted(shape.merged) if self._named(f"{t}__loads") in own]
        return Found(last, relations, self._waiting(remembering, self._named(_TESTED) in own))

    def write(self, tested: Loads, whole: tuple[str, Shape] | None, run_id: str) -> None:
        """Records what a successful build has done, all of it or nothing.

        Args:
            tested: Loads that were there before it began.
            whole: Fingerprint and shape of the project, if all of it was built.
            run_id: The run.

        Raises:
            WarehouseError: The warehouse refused.
        """
        self._create()
        run = self._warehouse.execute
        what = "recording what was built"
        run("BEGIN", what=what)
        rows = [(table, load) for table in sorted(tested) for load in sorted(tested[table])]
        for start in range(0, len(rows), _ROWS_PER_INSERT):
            part = rows[start : start + _ROWS_PER_INSERT]
            run(
                f"INSERT INTO {self._sql(_TESTED)} (landing_table, load_id, tested_at, run_id)"
                " VALUES " + ", ".join(["(?, ?, GETDATE(), ?)"] * len(part)),
                [value for table, load in part for value in (table, load, run_id)],
                what=what,
            )
        if whole is not None:
            run(
                f"INSERT INTO {self._sql(_WHOLE)} (built_at, fingerprint, project, run_id)"
                " VALUES (GETDATE(), ?, ?, ?)",
                [whole[0], whole[1].to_json(), run_id],
                what=what,
            )
        run("COMMIT", what=what)

    def _create(self) -> None:
        """Makes the two tables where they are missing; another build may do so at the same time."""
        for table, shape in _SHAPES.items():
            if self._is_there(table):
                continue
            try:
                self._warehouse.execute(
                    f"CREATE TABLE {self._sql(table)} {shape}", what=f"CREATE TABLE of {table}"
                )
            except QueryError:
                if not self._is_there(table):
                    raise

    def _is_there(self, table: str) -> bool:
        return self._named(table) in self._relations({self._schema})

    def _last_whole_build(self) -> WholeBuild | None:
        rows = self._warehouse.execute(
            "SELECT DATEDIFF(second, built_at, GETDATE()), fingerprint, project"
            f" FROM {self._sql(_WHOLE)} ORDER BY built_at DESC LIMIT 1",
            what="reading the last whole build",
        )
        try:
            for age, fingerprint, project in rows:
                shape = Shape.from_json(str(project))
                return WholeBuild(timedelta(seconds=int(age)), str(fingerprint), shape)
        except ValueError:
            # Written by another version, or by hand: the whole build that follows mends it.
            return None
        return None

    def _relations(self, schemas: Iterable[str]) -> frozenset[str]:
        names = sorted(schemas)
        rows = self._warehouse.execute(
            _RELATIONS.format(", ".join("?" * len(names))),
            names,
            what="a query for existing relations",
        )
        return frozenset(f"{schema}.{name}".lower() for schema, name in rows)

    def _waiting(self, remembering: Iterable[str], is_recorded: bool) -> dict[str, frozenset[int]]:
        """Loads in the ledger that are untested, or that their table no longer remembers."""
        untested = f"SELECT ledger.landing_table, ledger.load_id FROM {LEDGER} AS ledger"
        if is_recorded:
            untested += (
                f" LEFT JOIN {self._sql(_TESTED)} AS tested"
                " ON ledger.landing_table = tested.landing_table"
                " AND ledger.load_id = tested.load_id WHERE tested.load_id IS NULL"
            )
        parts, values = [untested], []
        for table in remembering:
            parts.append(
                f"SELECT ledger.landing_table, ledger.load_id FROM {LEDGER} AS ledger"
                f" LEFT JOIN {self._sql(table + '__loads')} AS built"
                " ON ledger.load_id = built.load_id"
                " WHERE ledger.landing_table = ? AND built.load_id IS NULL"
            )
            values.append(table)
        rows = patiently(
            self._warehouse,
            self._schema,
            self._patience,
            lambda: self._warehouse.execute(
                " UNION ".join(parts), values, what="a query for loads that are not built yet"
            ),
        )
        found: dict[str, set[int]] = {}
        for table, load in rows:
            found.setdefault(str(table), set()).add(int(load))
        return {table: frozenset(loads) for table, loads in found.items()}

    def _named(self, table: str) -> str:
        return f"{self._schema}.{table}".lower()

    def _sql(self, table: str) -> str:
        return redshift_relation(self._schema, table)


def newly_tested(waiting: Loads, tables: Iterable[str] | None) -> Mapping[str, frozenset[int]]:
    """The loads that a build has tested: the waiting ones of its tables (None: of all tables)."""
    if tables is None:
        return waiting
    return {table: waiting[table] for table in tables}

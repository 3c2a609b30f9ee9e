"""Public tables of generated databases: a dbt project with a model for each of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from target_redshift.model.landing_table import LandingTable
from tidemark_core.names import TableName
from tidemark_sandbox.tunnel import open_tunnel
from tidemark_sandbox.world import Sandbox

from anydb.lake import Commit
from anydb.model import Table

_METADATA = ("_sdc_extracted_at", "_sdc_deleted_at", "_tidemark_load_id")
_KEPT = ("macros", "dbt_project.yml", "profiles.yml")
_LEDGER = {"name": "tidemark_loads"}


class Project:
    """The project's macros with other models.

    Args:
        root: The checkout, whose macros are tried.
        sandbox: The warehouse.
        folder: Where the project is made.
        load_method: How landing is loaded.
    """

    def __init__(self, root: Path, sandbox: Sandbox, folder: Path, load_method: str) -> None:
        self._root, self._sandbox, self._folder = root, sandbox, folder
        self._load_method = load_method
        self._modelled: dict[Table, Commit] = {}
        for name in _KEPT:
            source = root / "transform" / name
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, folder / name)
        (folder / "models" / "staging").mkdir(parents=True)
        (folder / "models" / "tables").mkdir()

    def write(self, tables: Mapping[Table, Commit]) -> None:
        """Writes a model for each table, from the schema that its newest manifest carries.

        Models of earlier runs stay: a table that a run refuses is still in the project.
        """
        self._modelled |= tables
        landing, state = [_LEDGER], []
        for table, commit in self._modelled.items():
            shape = LandingTable.from_schema(
                TableName(table.database, table.name), commit.schema, commit.keys
            )
            name = shape.name
            landing.append({"name": name})
            state += [{"name": f"{name}__loads"}, {"name": f"{name}__versions"}]
            self._model(name, shape, table)
        self._sources("staging", "landing", "landing", landing)
        self._sources("tables", "tidemark_dbt", "tidemark_dbt", state)

    def _model(self, name: str, shape: LandingTable, table: Table) -> None:
        columns = ", ".join([column.name for column in shape.columns] + list(_METADATA))
        keys = [column.name for column in shape.keys]
        growing = next(c.name for c in shape.columns if c.source == table.replication_key)
        (self._folder / f"models/staging/stg_{name}.sql").write_text(
            f"select {columns} from {{{{ source('landing', '{name}') }}}}\n"
        )
        (self._folder / f"models/tables/{name}.sql").write_text(
            f"{{{{ config(unique_key={keys}, dist='even', sort={keys[:1]}, "
            f"meta={{'replication_key': '{growing}'}}) }}}}\n"
            f"with newest as ({{{{ newest_unbuilt(ref('stg_{name}')) }}}})\n"
            f"select {columns} from newest\n"
        )
        contract = [{"name": c.name, "data_type": c.redshift.lower()} for c in shape.columns]
        self._yaml(f"tables/{name}", {"models": [{"name": name, "columns": contract}]})

    def _sources(self, folder: str, name: str, schema: str, tables: list[dict[str, str]]) -> None:
        source = {"name": name, "schema": schema, "tables": tables}
        self._yaml(f"{folder}/_{name}", {"sources": [source]})

    def _yaml(self, name: str, content: dict[str, object]) -> None:
        # JSON is YAML too.
        path = self._folder / "models" / f"{name}.yml"
        path.write_text(json.dumps({"version": 2} | content))

    def build(self) -> tuple[int, str]:
        """Builds every model; gives dbt's exit code and what it said."""
        env = self._sandbox.env()
        with open_tunnel(self._sandbox.config, self._sandbox.config.warehouse_socket) as tunnel:
            done = subprocess.run(
                [str(self._root / ".venv/bin/dbt"), "run", "--no-use-colors"],
                cwd=self._folder,
                env=os.environ
                | env
                | {
                    "LOAD_METHOD": self._load_method,
                    "REDSHIFT_HOST": "127.0.0.1",
                    "REDSHIFT_PORT": str(tunnel.port),
                    "SSL_CERT_FILE": env["REDSHIFT_SSL_ROOT_CERT"],
                },
                capture_output=True,
                text=True,
                check=False,
            )
        return done.returncode, done.stdout + done.stderr

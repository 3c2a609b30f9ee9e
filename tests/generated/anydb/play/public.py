"""Public tables of generated databases: a dbt project with a model for each of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from target_redshift.model.landing_table import LandingTable
from tidemark_core.names import LandingNames, TableName
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.world import Sandbox

from anydb.generate.model import Table
from anydb.stores.lake import Commit

_KEPT = ("macros", "dbt_project.yml", "profiles.yml")


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
        self._columns: dict[str, dict[str, dict[str, Any]]] = {}
        for name in _KEPT:
            source = root / "transform" / name
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, folder / name)
        (folder / "models" / "tables").mkdir(parents=True)
        self._source("_landing", "tidemark_loads")

    def write(self, tables: Mapping[Table, Commit]) -> None:
        """Writes a contract for each table, from the schema that its newest manifest carries.

        Those of earlier runs stay: a table that a run refuses is still in the project, and a column
        that the source has dropped is still in its contract, as it is in landing.
        """
        for table, commit in tables.items():
            shape = LandingTable.from_schema(
                TableName(table.database, table.name),
                commit.schema,
                commit.keys,
                LandingNames({str(table): table.copy}),
            )
            (self._folder / f"models/tables/{shape.name}.sql").write_text(
                "{{ table_from_contract() }}\n"
            )
            contract = _contract(shape, table)
            kept = self._columns.setdefault(shape.name, {})
            kept |= {str(column["name"]): column for column in contract["columns"]}
            self._source(shape.name, shape.name, contract | {"columns": list(kept.values())})

    def _source(self, file: str, landing: str, *models: dict[str, Any]) -> None:
        source = {"name": "landing", "tables": [{"name": landing}]}
        told = {"version": 2, "sources": [source], "models": models}
        # JSON is YAML too.
        (self._folder / f"models/tables/{file}.yml").write_text(json.dumps(told))

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


def _contract(shape: LandingTable, table: Table) -> dict[str, Any]:
    keys = [_text(column.name) for column in shape.keys]
    meta = {"replication_method": "FULL_TABLE"}
    for column in shape.columns:
        if column.source == table.replication_key:
            meta = {"replication_method": "INCREMENTAL", "replication_key": _text(column.name)}
    config: dict[str, Any] = {"meta": meta}
    if keys:
        placed = [k for k, c in zip(keys, shape.keys, strict=True) if "VARBYTE" not in c.redshift]
        config |= {"unique_key": keys, "dist": (placed or ["auto"])[-1], "sort": placed[:2]}
    columns = [
        {"name": _text(c.name), "quote": True, "data_type": c.redshift.lower(),
         "description": _text(f"It's {c.name!r}.")}
        for c in shape.columns
    ]  # fmt: skip
    return {"name": shape.name, "config": config, "columns": columns}


def _text(text: str) -> str:
    """A text that dbt's Jinja leaves as it is."""
    return text.replace("{", "{{ '{' }}")

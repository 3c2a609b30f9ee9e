"""The dbt project as tests use it: run it, and write loads for it to read."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from tidemark_core.redshift.ledger import LEDGER, LEDGER_COLUMNS

ROOT = Path(__file__).resolve().parents[3]
TRANSFORM = ROOT / "transform"
TABLES = (
    "settlement_normal_delivery_detail",
    "settlement_claim_detail",
    "partner_info",
    "settlement_return_detail",
    "billing_summary",
    "delivery_status",
)
EPOCH = datetime(2026, 1, 1)
Query = Callable[..., list[tuple[Any, ...]]]


def contract(model: str) -> dict[str, str]:
    """Column and data type of a model, in order, as its YAML file promises them."""
    for folder in ("tables", "views/settlement"):
        file = TRANSFORM / "models" / folder / f"{model}.yml"
        if file.exists():
            columns = yaml.safe_load(file.read_text())["models"][0]["columns"]
            return {column["name"]: column["data_type"] for column in columns}
    raise FileNotFoundError(model)


def copied_project(folder: Path, tables: Mapping[str, Mapping[str, object]]) -> Path:
    """The project with these tables and no others.

    Args:
        folder: Where it is made.
        tables: The YAML file of each, by its name.
    """
    (folder / "models" / "tables").mkdir(parents=True)
    for name in ("macros", "tests/generic"):
        shutil.copytree(TRANSFORM / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml", "models/tables/_landing__sources.yml",
                 "models/docs/columns_system.md", "tests/_landing.yml",
                 "tests/every_landing_row_has_a_ledger_entry.sql"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(TRANSFORM / name, folder / name)
    for name, told in tables.items():
        (folder / f"models/tables/{name}.sql").write_text("{{ table_from_contract() }}\n")
        # JSON is YAML too.
        (folder / f"models/tables/{name}.yml").write_text(json.dumps(told))
    return folder


def table_contract(
    name: str, columns: Mapping[str, str], config: Mapping[str, Any]
) -> dict[str, object]:
    """A table's YAML file.

    Args:
        name: The table's.
        columns: Data types by name.
        config: As the file has it.
    """
    keys = list(config.get("unique_key", []))
    tested = {"constraints": [{"type": "not_null"}], "data_tests": ["not_null"]}
    told: dict[str, object] = {
        "name": name,
        "description": f"The table of {name} as MySQL has it.",
        "config": config,
        "columns": [
            {"name": column, "data_type": kind, "description": f"It's {column}.", "quote": True}
            | (tested if column in keys else {})
            for column, kind in columns.items()
        ],
    }
    if keys:
        told["constraints"] = [{"type": "primary_key", "columns": keys, "warn_unenforced": False}]
        told["data_tests"] = [{"unique_combination": {"arguments": {"columns": keys}}}]
    return {"version": 2, "sources": [{"name": "landing", "tables": [{"name": name}]}],
            "models": [told]}  # fmt: skip


@dataclass(frozen=True)
class DbtResult:
    """What one dbt command did."""

    success: bool
    nodes: Mapping[str, Mapping[str, Any]]
    output: str

    def rows(self, model: str) -> int:
        return int(self.nodes[f"model.tidemark.{model}"]["rows"])

    def __getitem__(self, model: str) -> Mapping[str, Any]:
        return self.nodes[f"model.tidemark.{model}"]


class Dbt:
    """Runs dbt commands in one process of its own, by default on the project itself."""

    def __init__(self, env: Mapping[str, str], target: Path, project: Path = TRANSFORM) -> None:
        self.env = {**os.environ, **env, "DBT_TARGET_PATH": str(target), "NO_COLOR": "1"}
        self.env |= {"DBT_LOG_PATH": str(target), "DBT_USE_COLORS": "false"}
        # A quarter of a command's CPU; what was parsed is written once, by the worker.
        self.env |= {"DBT_WRITE_JSON": "false", "DBT_LOG_LEVEL_FILE": "none"}
        self.target, self.project = target, project
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            cwd=project,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def start(self, *arguments: str, stop: tuple[int, Path] | None = None) -> None:
        """Sends a command without waiting for its end.

        Args:
            arguments: Of dbt.
            stop: The statement of a model, counted from 1, before which it stops, and the file
                that is there meanwhile: it goes on when the file is removed.
        """
        assert self.process.stdin
        asked = {"arguments": arguments, "stop": stop and (stop[0], str(stop[1]))}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()

    def __call__(self, *arguments: str, check: bool = True) -> DbtResult:
        self.start(*arguments)
        return self.end(check=check)

    def end(self, *, check: bool = True) -> DbtResult:
        """Waits for the end of what `start` began."""
        assert self.process.stdout
        result = DbtResult(**json.loads(self.process.stdout.readline()))
        if check:
            assert result.success, result.output[-6000:]
        return result

    def has_ended(self) -> bool:
        """Whether what `start` began has come to its end."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def build(self, *arguments: str, check: bool = True) -> DbtResult:
        return self("build", *arguments, check=check)

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@dataclass
class Landing:
    """Writes landing tables and the ledger as the loader does, with its rights."""

    query: Query
    loads: int = 0
    made: set[str] = field(default_factory=set)

    def create(self) -> None:
        """Landing tables for all six models, with the columns that the loader adds."""
        ledger = ", ".join(f"{name} {kind}" for name, kind in LEDGER_COLUMNS)
        self.query(f"create table if not exists {LEDGER} ({ledger})", user="tidemark_loader")
        for table in TABLES:
            columns = [f"{name} {kind}" for name, kind in contract(table).items()]
            self.query(
                f"create table if not exists landing.{table} ({', '.join(columns)},"
                " _sdc_extracted_at timestamp, _sdc_deleted_at timestamp,"
                " _tidemark_load_id bigint)",
                user="tidemark_loader",
            )

    def clear(self) -> None:
        """Empties landing, the ledger, the public tables and what is remembered of them."""
        for table in (*TABLES, "tidemark_loads"):
            self.query(f"delete from landing.{table}", user="tidemark_loader")
        for schema, name in self.query(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema = 'tidemark_dbt' or table_schema = 'public'"
            " and table_type = 'BASE TABLE'",
            user="tidemark_transformer",
        ):
            self.query(f"delete from {schema}.{name}", user="tidemark_transformer")

    def next_load(self) -> int:
        self.loads += 1
        return 1_700_000_000_000_000 + self.loads * 1_000_000

    def load(
        self,
        table: str,
        rows: Sequence[Mapping[str, object]],
        *,
        extracted: datetime | None = None,
        load_id: int | None = None,
    ) -> int:
        """Commits one load; rows may carry `_sdc_extracted_at` of their own. Returns its id."""
        number = load_id or self.next_load()
        when = extracted or EPOCH + timedelta(seconds=self.loads)
        full = [
            {"_sdc_extracted_at": when, "_sdc_deleted_at": None, **row, "_tidemark_load_id": number}
            for row in rows
        ]
        if full:
            columns = sorted({column for row in full for column in row})
            values = ", ".join(
                "(" + ", ".join(literal(row.get(column)) for column in columns) + ")"
                for row in full
            )
            self.query(
                f"insert into landing.{table} ({', '.join(columns)}) values {values}",
                user="tidemark_loader",
            )
        self.query(
            "insert into landing.tidemark_loads (source_table, landing_table, file, row_count,"
            f" load_id, extracted_at, loaded_at, fence) values ('settlement.{table}', '{table}',"
            f" 'file-{number}', {len(rows)}, {number}, {literal(when)}, getdate(), 1)",
            user="tidemark_loader",
        )
        return number


def literal(value: object) -> str:
    """A value as SQL text; a dictionary or a list is one of type SUPER."""
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return f"json_parse({literal(json.dumps(value))})"
    if isinstance(value, bytes):
        return f"to_varbyte('{value.hex()}', 'hex')"
    if isinstance(value, int | float) or type(value).__name__ == "Decimal":
        return str(value)
    text = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'"

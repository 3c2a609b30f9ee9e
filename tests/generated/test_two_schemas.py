"""Two databases of one DB_SCHEMAS from MySQL to landing, and each table compared with its own."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
from anydb.generate.model import Settings, Table
from anydb.play.pipeline import Pipeline
from anydb.stores.lake import Lake
from anydb.stores.source import Source
from anydb.stores.warehouse import Warehouse
from tidemark_sandbox.world import Sandbox

pytestmark = [pytest.mark.fault(157), pytest.mark.fault(158), pytest.mark.fault(160)]
OLD, NEW = "'2024-01-01 00:00:00'", "'2024-01-02 00:00:00'"
SETTINGS = Settings({"backup_output": "batch"}, {}, {"s3_output": "batch"}, {})


def tables(a: str, b: str) -> dict[Table, tuple[str, list[str], list[str]]]:
    """Tables with their columns, the rows that they have at first, and what changes them."""
    return {
        Table(a, "customer", "Changed at"): (
            '`Part No` VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, `é"` INT, year INT, '
            '`Changed at` DATETIME NOT NULL, KEY (`Changed at`), PRIMARY KEY (`Part No`, `é"`)',
            [f"('a/~', 1, 2023, {OLD})", f"('a', 2, 2024, {OLD})"],
            [f"UPDATE {{}} SET year = 1999, `Changed at` = {NEW} WHERE year = 2024"],
        ),
        Table(a, "Customer", None, given="customer_of_a"): (
            "month INT, `order` VARCHAR(9)",
            ["(1, 'x')", "(1, 'x')", "(2, NULL)"],
            ["DELETE FROM {} WHERE month = 2", "INSERT INTO {} VALUES (3, 'y')"],
        ),
        Table(b, "customer", None, given="customer_of_b"): (
            "`select` BIGINT UNSIGNED, hour INT, Year_ INT, PRIMARY KEY (hour, `select`)",
            ["(18446744073709551615, 1, 7)", "(1, 2, 7)"],
            ["DELETE FROM {} WHERE hour = 2"],
        ),
        Table(b, "empty", "at"): ("id INT PRIMARY KEY, at DATETIME, KEY (at)", [], []),
        Table(b, "log", "id"): ("id INT, KEY (id)", ["(1)", "(1)"], ["INSERT INTO {} VALUES (2)"]),
    }


@pytest.fixture(scope="module")
def landed(module_sandbox: Sandbox, project_root: Path, tmp_path_factory: Any) -> dict[str, Any]:
    """Both databases after two runs, and the environment of commands that look at them."""
    sandbox, folder = module_sandbox, tmp_path_factory.mktemp("two")
    a, b = (f"{letter}_{uuid.uuid4().hex[:8]}" for letter in "ab")
    made = tables(a, b)
    Source(sandbox)  # lets the tap see every database
    for name in (a, b):
        sandbox.mysql(f"CREATE DATABASE {name}")
    for table, (columns, rows, _) in made.items():
        sandbox.mysql(f"CREATE TABLE {table.database}.`{table.name}` ({columns})")
        for row in rows:
            sandbox.mysql(f"INSERT INTO {table.database}.`{table.name}` VALUES {row}")
    sandbox.mysql(f"CREATE VIEW {b}.seen AS SELECT * FROM {b}.empty")
    every = [*made, Table(b, "seen", None)]
    lake = Lake(sandbox, f"two-{uuid.uuid4()}")
    Warehouse(sandbox).clear()
    pipeline = Pipeline(project_root, sandbox, folder, lake.root, SETTINGS, every)
    for changed in (False, True):
        for table, (_, _, statements) in made.items() if changed else ():
            for statement in statements:
                sandbox.mysql(statement.format(f"{table.database}.`{table.name}`"))
        for leg in (pipeline.backup(every), pipeline.load(every)):
            assert leg.codes == (0, 0), leg.told
    sandbox.warehouse(
        "GRANT SELECT ON ALL TABLES IN SCHEMA landing TO tidemark_transformer",
        user="tidemark_loader",
    )
    sandbox.warehouse("GRANT USAGE ON SCHEMA landing TO tidemark_transformer")
    (folder / "empty.env").touch(mode=0o600)
    environ = os.environ | sandbox.env() | {
        "S3_INCREMENTAL_PATH": f"{lake.root}/incremental/",
        "S3_HIGH_WATERMARK_KEY": f"{lake.root}/watermark/high_watermark.json",
        "LANDING_NAMES": json.dumps({str(t): t.given for t in every if t.given}),
        "MELTANO_PROJECT_ROOT": str(project_root),
        "TIDEMARK_ENV_FILE": str(folder / "empty.env"),
    }  # fmt: skip
    return {"environ": environ, "tables": every, "sandbox": sandbox, "root": project_root}


def verify(landed: dict[str, Any]) -> dict[str, Any]:
    words = [landed["root"] / ".venv/bin/tidemark", "verify", "--checksum", "--format", "json"]
    named = [word for table in landed["tables"] for word in ("-t", str(table))]
    done = subprocess.run(
        [*words, *named], env=landed["environ"], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return {told["table"]: told for told in json.loads(done.stdout)}


def test_each_copy_is_that_of_its_own_source(landed: dict[str, Any]) -> None:
    a_customer, a_big, b_customer, empty, log, seen = landed["tables"]
    warehouse = Warehouse(landed["sandbox"])
    counts = {str(t): len(warehouse.read(t.copy).rows) for t in landed["tables"]}
    assert counts == {
        str(a_customer): 4, str(a_big): 3, str(b_customer): 1, str(empty): 0, str(log): 5,
        str(seen): 0,
    }  # fmt: skip
    told = verify(landed)
    assert {name: one["differences"] for name, one in told.items() if one["differences"]} == {}
    assert {name: one["problem"] for name, one in told.items() if one["problem"]} == {}
    for table in (a_customer, a_big, b_customer, empty, seen):
        assert told[str(table)]["checksum"] == [], table
        (left,) = told[str(table)]["not_compared"]
        assert left["what"] == "public", "landing was compared"
    whys = [one["why"] for one in told[str(log)]["not_compared"]]
    assert "without a key, the newest version of a row cannot be determined" in whys


def test_a_difference_is_that_of_one_table_and_not_of_its_namesakes(landed: dict[str, Any]) -> None:
    twins = landed["tables"][:3]
    for table in twins:
        changed = f'UPDATE landing."{table.copy}" SET '
        column = {"customer": "year", "customer_of_a": "month"}.get(table.copy, "year_")
        landed["sandbox"].warehouse(f"{changed}{column} = {column} + 1", user="tidemark_loader")
        told = verify(landed)
        landed["sandbox"].warehouse(f"{changed}{column} = {column} - 1", user="tidemark_loader")
        assert [str(t) for t in twins if told[str(t)]["checksum"]] == [str(table)]

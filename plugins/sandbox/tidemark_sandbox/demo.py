"""The demonstration: the whole pipeline on the sandbox, from nothing to query results."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tidemark_sandbox.dotenv import ensure_dotenv
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.settings.accounts import WAREHOUSE_ANALYST
from tidemark_sandbox.world import Sandbox

DELIVERIES = "settlement_normal_delivery_detail"
#: Three of the queries that the consumers of the views were given.
QUERIES = ("latest_status_of_one_parcel", "parcels_by_current_status", "delivery_rate_by_partner")
_MOST_ROWS, _MOST_COLUMNS = 12, 8


def run_demo(sandbox: Sandbox, root: Path, rows: int, console: Console) -> None:
    """Starts the sandbox, seeds it, runs the sync and shows what came out.

    Args:
        sandbox: The world to show.
        root: The project's folder.
        rows: Delivery rows to seed when there are none yet.
        console: Where to write.

    Raises:
        SandboxError: A step failed, or the stages do not hold the same rows.
    """
    with _step(console, "Start the sandbox: MySQL, SSH bastion, S3, warehouse"):
        sandbox.up()
        written = ensure_dotenv(root, sandbox.env())
    if written:
        console.print(f"  wrote {written.name}: this checkout now points at the sandbox")
    if _count(sandbox, DELIVERIES) == 0:
        with _step(console, f"Seed {rows:,} delivery rows and the other five tables"):
            sandbox.seed(rows)
    else:
        console.print("[bold]Seed[/bold]: the tables already have rows and are left unchanged")
    with _step(console, "meltano run sync"):
        _run(root, sandbox, "meltano", "run", "sync")
    console.print()
    _run(root, sandbox, "tidemark", "verify")
    _compare_parcels(sandbox, console)
    for name in QUERIES:
        _show(sandbox, console, root / "transform/analyses/settlement" / f"{name}.sql")
    console.print(
        "\n[bold]Next[/bold]\n"
        "  source .venv/bin/activate\n"
        "  meltano run sync                     nothing new: no file written, no row loaded\n"
        "  tidemark-sandbox change              simulates a day of changes\n"
        "  meltano run sync                     copies only the changed rows\n"
        "  tidemark-sandbox sql redshift        a prompt in the warehouse, through the bastion\n"
        "  tidemark-sandbox down                stop everything; the data is kept\n",
        soft_wrap=True,
    )


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    console.print(f"[bold]{what}[/bold] …")
    start = time.monotonic()
    yield
    console.print(f"  [green]done[/green] in {time.monotonic() - start:.1f} s")


def _run(root: Path, sandbox: Sandbox, program: str, *arguments: str) -> None:
    """Runs a program of this environment in the project's folder, its output shown as it comes."""
    command = [str(Path(sys.executable).parent / program), *arguments]
    finished = subprocess.run(command, cwd=root, env=os.environ | sandbox.env(), check=False)
    if finished.returncode != 0:
        raise SandboxError(
            f"{program} {' '.join(arguments)} failed with exit code {finished.returncode}",
            hint="read its last lines above; tidemark-sandbox status shows whether all parts run",
        )


def _count(sandbox: Sandbox, table: str) -> int:
    exists = sandbox.mysql(
        "SELECT count(*) FROM information_schema.tables "
        "WHERE table_schema = 'settlement' AND table_name = %s",
        [table],
    )
    return int(sandbox.mysql(f"SELECT count(*) FROM `{table}`")[0][0]) if exists[0][0] else 0


def _compare_parcels(sandbox: Sandbox, console: Console) -> None:
    source = sandbox.mysql(f"SELECT count(DISTINCT ant_parcel_no) FROM `{DELIVERIES}`")[0][0]
    view = sandbox.warehouse("SELECT count(*) FROM public.settlement_latest_delivery_status")[0][0]
    console.print(
        f"Parcels: {source:,} in MySQL, {view:,} in public.settlement_latest_delivery_status"
    )
    if source != view:
        raise SandboxError(
            "the latest-status view does not have one row per parcel",
            hint="meltano run build; if that does not help: meltano invoke dbt:full-refresh",
        )


def _show(sandbox: Sandbox, console: Console, path: Path) -> None:
    """Runs a published query as an analyst and prints its first rows."""
    names, rows = sandbox.redshift.table(path.read_text(), user=WAREHOUSE_ANALYST)
    title = path.stem.replace("_", " ").capitalize()
    table = Table(title=title, title_justify="left", title_style="bold")
    if len(rows) == 1 and len(names) > _MOST_COLUMNS:
        filled = [(name, value) for name, value in zip(names, rows[0], strict=True) if value]
        table.add_column("column")
        table.add_column("value")
        for name, value in filled[:_MOST_ROWS]:
            table.add_row(name, _cell(value))
        console.print(table)
        console.print(f"  … and {len(names) - _MOST_ROWS} more columns")
        return
    for name in names[:_MOST_COLUMNS]:
        table.add_column(name)
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(_cell(value) for value in row[:_MOST_COLUMNS]))
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(f"  … {len(rows) - _MOST_ROWS:,} more rows")


def _cell(value: object) -> str:
    return "NULL" if value is None else str(value)

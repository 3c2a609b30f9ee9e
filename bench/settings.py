"""Measures the settings side by side, by the size of a table: what docs/performance.md advises.

The backup leg by strategy, workers, batch size and replication method, the load leg by slices and
format; each cell is a leg of its own into a lake of its own, start-up included.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from legs import backup, catalog, config, load, report, rows_in_lake
from measure import BenchError, Measured
from rich.console import Console
from target_redshift.settings import SETTINGS as TARGET
from tidemark_core.names import TableName, fold
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox
from world import WIDE, count, empty_bucket, seeded

SIZES = [10_000, 200_000, 1_000_000]
#: The settings as they are without a word in .env; what the others are held against.
USUAL = "as it is"
CHUNKED = {"BACKUP_STRATEGY": "chunked", "BACKUP_NUM_CHUNKS": "4"}
BETWEEN = {"BACKUP_STRATEGY": "inter-table"}
#: Tables of a backup of several, each with its part of the rows.
_TABLES = 4
_PROGRAMS = {
    "backup": ("tap-mysql", "target-s3-parquet"),
    "load": ("tap-s3-parquet", "target-redshift"),
}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Cell:
    """A leg with some settings.

    Attributes:
        leg: ``backup`` or ``load``.
        rows: Rows of all its tables.
        what: The settings, for people.
        settings: Variables besides the sandbox's own.
        tables: Number of tables.
        changed: Rows that are new to it; None: all.
    """

    leg: str
    rows: int
    what: str
    settings: Mapping[str, str] = field(default_factory=dict)
    tables: int = 1
    changed: int | None = None


@dataclass(frozen=True)
class Result:
    """What a cell took: the median of its runs.

    Attributes:
        cell: What was measured.
        seconds: Of the clock, start-up included.
        cpu_seconds: Of both plugins; not of MySQL, S3 and the warehouse.
        peaks: Highest memory of each plugin, MB.
        load: The machine's load average when it began.
    """

    cell: Cell
    seconds: float
    cpu_seconds: float
    peaks: dict[str, float]
    load: float


def backup_cells(rows: int) -> list[Cell]:
    """The strategies and batch sizes that make a difference to a table of that size."""
    cells = [
        Cell("backup", rows, USUAL),
        Cell("backup", rows, "chunked, 2 workers", CHUNKED | {"BACKUP_MAX_WORKERS": "2"}),
        Cell("backup", rows, "chunked, 4 workers", CHUNKED | {"BACKUP_MAX_WORKERS": "4"}),
    ]
    for size, least in ((50_000, 50_000), (500_000, 200_000)):
        if rows > least:  # else it is the same files
            settings = {"BACKUP_BATCH_SIZE": str(size)}
            cells.append(Cell("backup", rows, f"{size:,} rows a file", settings))
    return cells


def tables_cells(rows: int) -> list[Cell]:
    """Several tables, one after the other and side by side."""
    return [
        Cell("backup", rows, what, settings, _TABLES)
        for what, settings in (
            (USUAL, {}),
            ("inter-table, 2 workers", BETWEEN | {"BACKUP_MAX_WORKERS": "2"}),
            ("inter-table, 4 workers", BETWEEN | {"BACKUP_MAX_WORKERS": "4"}),
        )
    ]


def load_cells(rows: int) -> list[Cell]:
    """The slices, which say how many parts are written at once, and COPY of the lake's files."""
    return [
        Cell("load", rows, USUAL),
        Cell("load", rows, "4 slices", {"REDSHIFT_SLICES": "4"}),
        Cell("load", rows, "8 slices", {"REDSHIFT_SLICES": "8"}),
        Cell("load", rows, "COPY of Parquet", {"LOAD_FORMAT": "parquet"}),
    ]


@app.command()
def main(
    rows: Annotated[list[int], typer.Option(help="Sizes of a table.")] = SIZES,
    repeat: Annotated[int, typer.Option(help="Runs of each cell.", min=1)] = 1,
    output: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Copies and loads tables of several sizes with several settings, and prints what each took."""
    console, sizes = Console(), sorted(set(rows))
    results: list[Result] = []
    with seeded(sizes[-1], console) as sandbox, tempfile.TemporaryDirectory() as temporary:
        bench = Bench(sandbox, Path(temporary), repeat, console)
        empty_bucket(bench.location({}))
        for size in sizes:
            results += bench.one_table(size, is_small=size == sizes[0])
        results += bench.several_tables(sizes[len(sizes) // 2])
    show(results)
    if output:
        output.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


class Bench:
    """Runs cells in a sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, repeat: int, console: Console) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._repeat = repeat
        self._console = console
        self._common = sandbox.env() | {"BACKUP_TEMP_DIR": str(folder)}

    def location(self, settings: Mapping[str, str]) -> S3Location:
        """The lake that some settings name."""
        return S3Location.of(read(S3Settings, config(TARGET, {**self._common, **settings})))

    def one_table(self, rows: int, *, is_small: bool) -> list[Result]:
        """The backup and the load of one table; of a small one also what nothing new costs."""
        (table,) = self._tables(rows, 1)
        selected = catalog(self._common, self._folder, [table])
        usual, *others = backup_cells(rows)
        first, lake, state = self._backup(usual, [table], selected)
        results = [first, *(self._backup(cell, [table], selected)[0] for cell in others)]
        if is_small:
            cell = Cell("backup", rows, "INCREMENTAL, nothing new", changed=0)
            results.append(
                self._measured(cell, lambda: self._run(lake, [table], selected, rows, state))
            )
            whole = catalog(self._common, self._folder, [table], "FULL_TABLE")
            cell = Cell("backup", rows, "FULL_TABLE, nothing new", changed=0)
            results.append(self._backup(cell, [table], whole)[0])
        return results + [self._load(cell, table, lake) for cell in load_cells(rows)]

    def several_tables(self, rows: int) -> list[Result]:
        """The backup of several tables that have so many rows together."""
        tables = self._tables(rows // _TABLES, _TABLES)
        selected = catalog(self._common, self._folder, tables)
        return [self._backup(cell, tables, selected)[0] for cell in tables_cells(rows)]

    def _tables(self, rows: int, number: int) -> list[TableName]:
        """Tables like the delivery table with so many of its rows; kept for the next time."""
        if number == 1 and count(self._sandbox) == rows:
            return [WIDE]
        tables = [TableName(WIDE.schema, f"bench_{rows}_{part}") for part in range(1, number + 1)]
        for table in tables:
            if count(self._sandbox, table) != rows:
                self._sandbox.mysql(f"DROP TABLE IF EXISTS `{table.table}`")
                self._sandbox.mysql(f"CREATE TABLE `{table.table}` LIKE `{WIDE.table}`")
                rest = f"SELECT * FROM `{WIDE.table}` ORDER BY ID LIMIT {rows:d}"
                self._sandbox.mysql(f"INSERT INTO `{table.table}` {rest}")
        return tables

    def _backup(
        self, cell: Cell, tables: Sequence[TableName], selected: Path
    ) -> tuple[Result, dict[str, str], str]:
        """Measures a first backup; gives also the lake that it filled, and the state after it."""
        lakes: list[dict[str, str]] = []
        states: list[str] = []

        def once() -> Measured:
            lakes.append(self._lake())
            done = self._run({**lakes[-1], **cell.settings}, tables, selected, cell.rows)
            states.append(done.output.splitlines()[-1])
            return done

        return self._measured(cell, once), lakes[-1], states[-1]

    def _load(self, cell: Cell, table: TableName, lake: Mapping[str, str]) -> Result:
        settings = {**lake, **cell.settings, "S3_TABLES": json.dumps([str(table)])}

        def once() -> Measured:
            self._sandbox.warehouse(f"DROP TABLE IF EXISTS landing.{fold(table.table)}")
            self._sandbox.warehouse("DROP TABLE IF EXISTS landing.tidemark_loads")
            run_id = str(uuid.uuid4())
            done = load({**self._common, **settings}, self._folder, run_id)
            _must_be(report(self.location(settings), run_id).rows, cell.rows, "loaded")
            return done

        return self._measured(cell, once)

    def _lake(self) -> dict[str, str]:
        """A lake that nobody has written to."""
        return {"S3_INCREMENTAL_PATH": f"settings/{uuid.uuid4()}/incremental/"}

    def _run(
        self,
        settings: Mapping[str, str],
        tables: Sequence[TableName],
        selected: Path,
        rows: int,
        state: str | None = None,
    ) -> Measured:
        done = backup({**self._common, **settings}, self._folder, selected, state)
        lake = self.location(settings)
        _must_be(sum(rows_in_lake(lake, table) for table in tables), rows, "in the lake")
        return done

    def _measured(self, cell: Cell, once: Callable[[], Measured]) -> Result:
        self._console.print(f"{cell.leg}, {cell.rows:,} rows: {cell.what} …")
        before = os.getloadavg()[0]
        runs = [once() for _ in range(self._repeat)]
        return Result(
            cell=cell,
            seconds=statistics.median(run.seconds for run in runs),
            cpu_seconds=statistics.median(run.cpu_seconds for run in runs),
            peaks={
                name: max(run.peaks.get(name, 0.0) for run in runs) for name in _PROGRAMS[cell.leg]
            },
            load=before,
        )


def _must_be(found: int, rows: int, where: str) -> None:
    if found != rows:
        raise BenchError(f"{found} rows are {where} instead of {rows}")


def show(results: Sequence[Result]) -> None:
    """Prints the figures as the table of docs/performance.md."""
    heads = ("leg", "rows", "settings", "seconds", "rows/s", "CPU", "peak MB", "load before")
    typer.echo(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for result in results:
        cell = result.cell
        rows = (
            f"{cell.tables} x {cell.rows // cell.tables:,}" if cell.tables > 1 else f"{cell.rows:,}"
        )
        peaks = " + ".join(f"{result.peaks[name]:,.0f}" for name in _PROGRAMS[cell.leg])
        figures = [
            f"{result.seconds:.1f}",
            f"{cell.rows / result.seconds:,.0f}" if cell.changed is None else "",
            f"{result.cpu_seconds:.1f}",
            peaks,
            f"{result.load:.1f}",
        ]
        typer.echo(f"| {' | '.join([cell.leg, rows, cell.what, *figures])} |")


if __name__ == "__main__":
    try:
        app()
    except BenchError as error:
        sys.exit(f"error: {error}")

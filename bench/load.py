r"""Measures the load leg: Parquet on S3 to the landing table.

Beside it, in the same run: MariaDB's own client reading the same rows through the same kind of
tunnel, pandas writing the same rows as CSV, and PostgreSQL's ``\copy`` of the same staged parts.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from legs import backup, catalog, config, load, report
from measure import BenchError
from plain import pandas_csv, plain_copy, raw_read
from rich.console import Console
from rich.table import Table
from target_redshift.settings import SETTINGS as TARGET
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox
from world import WIDE, empty_bucket, seeded

#: What the bench holds its figures against.
STAGED_ROWS_A_SECOND, PEAK_MB = 100_000, 500
#: Ratio to the raw read, by format.
RATIO = {"csv": 3.5, "parquet": 0.6, "auto": 0.6}
_READS = 3
_STEPS = {
    "fetch": "fetch from S3",
    "read": "read Parquet",
    "csv": "write CSV",
    "compress": "compress",
    "upload": "upload",
    "stage": "staging, all of it",
    "copy": "COPY",
    "insert": "INSERT",
    "transaction": "the transaction",
    "load": "the load: look, stage, transaction, tidy up",
}
_PROGRAMS = ("tap-s3-parquet", "target-redshift")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass
class Result:
    r"""What one run of the bench found; seconds unless said otherwise.

    Attributes:
        steps: Of the load itself, by name; those of several threads are their sum.
        leg: The whole load leg, both processes, from the first start to the last end.
        start_up: The same with nothing to load.
        net: The leg less its start-up and the warehouse's transaction: as the leg tells (``leg``
            less ``start_up``) or as the load itself tells, whichever is longer.
        raw_read: MariaDB's client reading the same rows.
        ratio: ``net`` to ``raw_read``.
        peaks: Highest memory of each of the leg's processes, MB.
        pandas: pandas' read_parquet, to_csv, gzip: seconds and peak MB.
        plain_copy: PostgreSQL's ``\copy`` of the staged parts.
    """

    rows: int
    columns: int
    method: str
    form: str
    steps: dict[str, float]
    leg: float
    leg_cpu: float
    start_up: float
    net: float
    raw_read: float
    ratio: float
    peaks: dict[str, float]
    pandas: tuple[float, float] | None = None
    plain_copy: float | None = None


@app.command()
def main(
    rows: Annotated[int, typer.Option(help="Rows to load.")] = 1_000_000,
    method: Annotated[str, typer.Option(help="append-only, upsert or overwrite.")] = "append-only",
    form: Annotated[str, typer.Option("--format", help="csv, parquet or auto.")] = "csv",
    beside: Annotated[bool, typer.Option(help="Measure pandas and \\copy too.")] = True,
    output: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Loads the sandbox's 51-column table from its lake, and prints what it took."""
    console = Console()
    with seeded(rows, console) as sandbox, tempfile.TemporaryDirectory() as temporary:
        result = measure(sandbox, rows, method, form, Path(temporary), beside, console)
    show(result, console)
    if output:
        output.write_text(json.dumps(asdict(result), indent=1) + "\n")


def measure(
    sandbox: Sandbox,
    rows: int,
    method: str,
    form: str,
    folder: Path,
    beside: bool,
    console: Console,
) -> Result:
    """Writes the lake, loads it, and reads MySQL raw."""
    env = sandbox.env() | {
        "LOAD_METHOD": method,
        "LOAD_FORMAT": form,
        "S3_TABLES": json.dumps([str(WIDE)]),
        "BACKUP_TEMP_DIR": str(folder),
    }
    s3 = S3Location.of(read(S3Settings, config(TARGET, env)))
    empty_bucket(s3)
    sandbox.warehouse(f"DROP TABLE IF EXISTS landing.{WIDE.table}")
    sandbox.warehouse("DROP TABLE IF EXISTS landing.tidemark_loads")
    console.print("Writing the lake …")
    backup(env, folder, catalog(env, folder, [WIDE]))
    console.print("Reading MySQL raw …")
    raw = statistics.median(raw_read(sandbox, WIDE).seconds for _ in range(_READS))
    console.print("Loading …")
    run_id = str(uuid.uuid4())
    leg = load(env, folder, run_id)
    empty = load(env, folder, str(uuid.uuid4()), state=leg.output.splitlines()[-1])
    table = report(s3, run_id)
    if table.rows != rows:
        raise BenchError(f"{table.rows} rows were loaded instead of {rows}")
    steps = dict(table.steps)
    net = max(leg.seconds - empty.seconds, steps["load"]) - steps["transaction"]
    result = Result(
        rows=rows,
        columns=len(sandbox.mysql(f"SHOW COLUMNS FROM `{WIDE.table}`")),
        method=method,
        form=form,
        steps=steps,
        leg=leg.seconds,
        leg_cpu=leg.cpu_seconds,
        start_up=empty.seconds,
        net=net,
        raw_read=raw,
        ratio=net / raw,
        peaks={name: size for name, size in leg.peaks.items() if name in _PROGRAMS},
    )
    if beside and form == "csv":
        console.print("PostgreSQL's \\copy and pandas, for comparison …", markup=False)
        result.plain_copy = plain_copy(sandbox, s3, config(TARGET, env), folder)
        done = pandas_csv(s3, folder)
        result.pandas = (done.seconds, max(done.peaks.values()))
    return result


def show(result: Result, console: Console) -> None:
    """Prints the figures."""
    table = Table(
        title=f"{result.rows:,} rows x {result.columns} columns, {result.method}, {result.form}"
    )
    for name in ("step", "seconds", "rows/s"):
        table.add_column(name, justify="left" if name == "step" else "right")

    def add(name: str, seconds: float) -> None:
        table.add_row(name, f"{seconds:.1f}", f"{result.rows / seconds:,.0f}" if seconds else "")

    for step, name in _STEPS.items():
        if step in result.steps:
            add(name, result.steps[step])
    table.add_section()
    add("whole load leg", result.leg)
    add("start-up: the leg with nothing to load", result.start_up)
    add("the leg less start-up and transaction", result.net)
    add("raw read of MySQL", result.raw_read)
    table.add_section()
    if result.pandas:
        add(f"pandas to_csv, gzip (peak {result.pandas[1]:,.0f} MB)", result.pandas[0])
    if result.plain_copy:
        add("PostgreSQL's \\copy of the staged parts", result.plain_copy)
    console.print(table)
    staged = result.rows / result.steps["stage"]
    peak = max(result.peaks.values())
    console.print(f"CPU seconds of the leg, start-up included: {result.leg_cpu:.1f}")
    for text, good in (
        (f"staging: {staged:,.0f} rows/s", staged >= STAGED_ROWS_A_SECOND),
        (f"peak memory of a process: {peak:,.0f} MB {_peaks(result)}", peak <= PEAK_MB),
        (f"ratio to the raw read: {result.ratio:.2f}", result.ratio <= RATIO[result.form]),
    ):
        console.print(f"{'[green]met[/green]   ' if good else '[red]missed[/red]'} {text}")


def _peaks(result: Result) -> str:
    return "(" + ", ".join(f"{name} {size:,.0f}" for name, size in result.peaks.items()) + ")"


if __name__ == "__main__":
    try:
        app()
    except BenchError as error:
        sys.exit(f"error: {error}")

"""Measures the backup leg: MySQL to Parquet on S3.

Beside it, in the same run and through the same kind of tunnel: MariaDB's own client reading the
same rows, dlt with its ConnectorX backend into the same S3, and a pair of public Singer plugins.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from legs import rows_in_lake
from measure import BenchError, Measured, run
from others import dlt_read, singer_read
from plain import raw_read
from rich.console import Console
from rich.table import Table
from tidemark_core.s3.client import S3Location
from tidemark_sandbox.world import Sandbox
from world import BIN, ROOT, WIDE, empty_bucket, seeded

#: What the bench holds its figures against.
TO_RAW, TO_DLT, TO_SINGER, PEAK_MB, IDLE_SECONDS = 2.5, 1.3, 50.0, 400, 5.0
#: Of a million rows.
CPU_SECONDS = 8.0
_READS = 3
_PROGRAMS = ("tap-mysql", "target-s3-parquet")

app = typer.Typer(add_completion=False)


@dataclass
class Result:
    """What one run of the bench found; seconds unless said otherwise.

    Attributes:
        raw: MariaDB's client reading the table.
        ours: `meltano run tap-mysql target-s3-parquet` for the table.
        idle: The same with nothing new: its start-up.
        net: ``ours`` less ``idle``.
        cpu: CPU seconds of all our processes, less those of the start-up.
        peaks: Highest memory of each of our processes, MB.
        dlt: dlt with ConnectorX: the read alone, without its imports; and its peak, MB.
        singer: The Singer pair's seconds on ``singer_rows`` rows, and its peak, MB.
        load: The machine's load average when the bench began and ended.
    """

    rows: int
    strategy: str
    raw: float
    ours: float
    idle: float
    net: float
    cpu: float
    peaks: dict[str, float]
    dlt: tuple[float, float] | None = None
    singer: tuple[float, float] | None = None
    singer_rows: int = 0
    load: list[float] = field(default_factory=list)


@app.command()
def main(
    rows: Annotated[int, typer.Option(help="Rows to read.")] = 1_000_000,
    strategy: Annotated[str, typer.Option(help="BACKUP_STRATEGY.")] = "sequential",
    singer_rows: Annotated[int, typer.Option(help="Rows for the Singer pair.")] = 20_000,
    beside: Annotated[bool, typer.Option(help="Measure dlt and the Singer pair too.")] = True,
    output: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Copies the sandbox's 51-column table to its lake, and prints what it took."""
    console = Console()
    with seeded(rows, console) as sandbox, tempfile.TemporaryDirectory() as temporary:
        result = measure(sandbox, rows, strategy, Path(temporary), console)
        if beside:
            compare(result, sandbox, singer_rows, Path(temporary), console)
    show(result, console)
    if output:
        output.write_text(json.dumps(asdict(result), indent=1) + "\n")


def measure(sandbox: Sandbox, rows: int, strategy: str, folder: Path, console: Console) -> Result:
    """Reads the table raw and with Tidemark, twice: the second time there is nothing new."""
    before = os.getloadavg()[0]
    env = sandbox.env() | {
        "BACKUP_STRATEGY": strategy,
        "BACKUP_TEMP_DIR": str(folder),
        "TAP_MYSQL__SELECT": json.dumps([f"{WIDE.stream}.*"]),
        "TIDEMARK_REPORT_DIR": str(folder / "reports"),
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    empty_bucket(_lake(env))
    console.print("Reading MySQL raw …")
    raw = statistics.median(raw_read(sandbox, WIDE) for _ in range(_READS))
    console.print("meltano run tap-mysql target-s3-parquet …")
    first, again = _meltano(env), _meltano(env)
    found = rows_in_lake(_lake(env), WIDE)
    if found != rows:
        raise BenchError(f"the lake has {found} rows instead of {rows}")
    return Result(
        rows=rows,
        strategy=strategy,
        raw=raw,
        ours=first.seconds,
        idle=again.seconds,
        net=first.seconds - again.seconds,
        cpu=first.cpu_seconds - again.cpu_seconds,
        peaks={name: size for name, size in first.peaks.items() if name in _PROGRAMS},
        load=[before, os.getloadavg()[0]],
    )


def compare(
    result: Result, sandbox: Sandbox, singer_rows: int, folder: Path, console: Console
) -> None:
    """Has the other tools read the same table."""
    readers: tuple[tuple[str, Callable[[], None]], ...] = (
        ("dlt with ConnectorX", lambda: _dlt(result, sandbox, folder)),
        (
            f"pipelinewise-tap-mysql, {singer_rows:,} rows",
            lambda: _singer(result, sandbox, singer_rows, folder),
        ),
    )
    for name, read in readers:
        console.print(f"{name} …")
        read()
    result.load.append(os.getloadavg()[0])


def _dlt(result: Result, sandbox: Sandbox, folder: Path) -> None:
    result.dlt = dlt_read(sandbox, WIDE, result.rows, folder)


def _singer(result: Result, sandbox: Sandbox, rows: int, folder: Path) -> None:
    result.singer = singer_read(sandbox, WIDE, rows, folder)
    result.singer_rows = rows


def _meltano(env: dict[str, str]) -> Measured:
    words = ["run", "--state-id-suffix=bench", "tap-mysql", "target-s3-parquet"]
    return run([BIN / "meltano", "--environment=dev", *words], env=env, cwd=ROOT)


def _lake(env: dict[str, str]) -> S3Location:
    return S3Location.from_config({name.lower(): value for name, value in env.items()})


def show(result: Result, console: Console) -> None:
    """Prints the figures."""
    load = " to ".join(f"{value:.1f}" for value in result.load)
    table = Table(title=f"{result.rows:,} rows, {result.strategy}; load average {load}")
    for name in ("what", "seconds", "rows/s", "to the raw read", "peak MB"):
        table.add_column(name, justify="left" if name == "what" else "right")

    def add(name: str, seconds: float, rows: int, peak: str = "") -> None:
        each = seconds / rows
        ratio = each * result.rows / result.raw
        table.add_row(name, f"{seconds:.1f}", f"{1 / each:,.0f}", f"{ratio:.2f}", peak)

    peaks = ", ".join(f"{name} {size:,.0f}" for name, size in sorted(result.peaks.items()))
    add("raw read: mariadb --quick --batch", result.raw, result.rows)
    add("meltano run, start-up apart", result.net, result.rows, peaks)
    table.add_row("  start-up: a run with nothing new", f"{result.idle:.1f}")
    goals = [
        (f"{result.net / result.raw:.2f} times the raw read", result.net / result.raw <= TO_RAW),
        (f"nothing new: {result.idle:.1f} s", result.idle <= IDLE_SECONDS),
        (f"{result.cpu:.1f} CPU seconds", result.cpu * 1e6 / result.rows <= CPU_SECONDS),
        (f"peak memory: {peaks}", max(result.peaks.values()) <= PEAK_MB),
    ]
    if result.dlt:
        add("dlt 1.31, ConnectorX", result.dlt[0], result.rows, f"{result.dlt[1]:,.0f}")
        faster = result.dlt[0] / result.net
        goals.append((f"{faster:.2f} times as fast as dlt", faster >= TO_DLT))
    if result.singer:
        seconds, peak = result.singer
        name = f"pipelinewise-tap-mysql | target-s3, {result.singer_rows:,} rows"
        add(name, seconds, result.singer_rows, f"{peak:,.0f}")
        faster = seconds / result.singer_rows * result.rows / result.net
        goals.append((f"{faster:.0f} times as fast as the Singer pair", faster >= TO_SINGER))
    console.print(table)
    for text, good in goals:
        console.print(f"{'[green]met[/green]   ' if good else '[red]missed[/red]'} {text}")


if __name__ == "__main__":
    try:
        app()
    except BenchError as error:
        sys.exit(f"error: {error}")

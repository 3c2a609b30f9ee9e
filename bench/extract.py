"""Measures the backup leg: MySQL to Parquet on S3.

Beside it, in the same run and through the same kind of tunnel: MariaDB's own client and mysqlclient
reading the same rows, ConnectorX alone, dlt with it into the same S3, sling into a file, and a pair
of public Singer plugins.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import machine
import typer
from legs import rows_in_lake
from measure import BenchError, Measured, run, tunnels_cpu
from others import Other, connectorx_read, dlt_read, mysqlclient_read, singer_read, sling_read
from plain import raw_read
from rich.console import Console
from rich.table import Table
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read as read_settings
from tidemark_sandbox.world import Sandbox
from world import BIN, ROOT, WIDE, empty_bucket, seeded

#: What the bench holds its figures against; CPU of a million rows.
TO_RAW, TO_DLT, TO_SINGER, PEAK_MB, IDLE_SECONDS, CPU_SECONDS = 1.4, 1.8, 50.0, 250, 5.0, 4.5
_READS = 3
_PROGRAMS = ("tap-mysql", "target-s3-parquet")
_SSH = "ssh"

app = typer.Typer(add_completion=False)


@dataclass
class Read:
    """What one program took for the table.

    Attributes:
        name: The program.
        rows: How many it read.
        seconds: By the clock, start-up apart.
        cpu: CPU seconds by program, start-up apart for ours; ssh and servers are not among them.
        server: CPU seconds of MySQL.
        ssh: CPU seconds of both ends of the tunnel.
        peaks: Highest resident memory by program, MB.
    """

    name: str
    rows: int
    seconds: float
    cpu: dict[str, float]
    server: float
    ssh: float
    peaks: dict[str, float]


@dataclass
class Result:
    """What one run of the bench found.

    Attributes:
        machine: Where.
        pinned: Whether the servers had a core of their own, and all others another one.
        idle: Seconds of a run with nothing new: our start-up.
        load: The machine's load average when the bench began and ended.
    """

    rows: int
    machine: str
    pinned: bool
    idle: float = 0.0
    reads: list[Read] = field(default_factory=list)
    load: list[float] = field(default_factory=list)


@app.command()
def main(
    rows: Annotated[int, typer.Option(help="Rows to read.")] = 1_000_000,
    connections: Annotated[
        list[int], typer.Option(help="Connections of ours; several: one run each.")
    ] = [1, 2, 4],  # noqa: B006 - typer's own form
    singer_rows: Annotated[int, typer.Option(help="Rows for the Singer pair.")] = 20_000,
    beside: Annotated[bool, typer.Option(help="Measure the other programs too.")] = True,
    pin: Annotated[
        bool, typer.Option("--pin", help="The servers on one core, all others on another one.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Copies the sandbox's 51-column table to its lake, and prints what it took."""
    console, result = Console(width=120), Result(rows, machine.description(), pin)
    with seeded(rows, console) as sandbox, tempfile.TemporaryDirectory() as temporary:
        result.load.append(os.getloadavg()[0])
        if pin:
            machine.pin(sandbox)
        bench = _Bench(result, sandbox, Path(temporary), console)
        bench.raw()
        for number in connections:
            bench.ours(number)
        if beside:
            bench.others(singer_rows)
        result.load.append(os.getloadavg()[0])
    show(result, console)
    if output:
        output.write_text(json.dumps(asdict(result), indent=1) + "\n")


@dataclass
class _Bench:
    result: Result
    sandbox: Sandbox
    folder: Path
    console: Console

    def raw(self) -> None:
        name = "raw read: mariadb --quick --batch"
        reads = [self._read(name, self._raw) for _ in range(_READS)]
        self.result.reads.append(sorted(reads, key=lambda read: read.seconds)[_READS // 2])

    def _raw(self) -> Other:
        done = raw_read(self.sandbox, WIDE)
        return Other(done.seconds, self.result.rows, done)

    def ours(self, connections: int) -> None:
        name = f"meltano run, {connections} connection{'s' if connections > 1 else ''}"
        env = self.sandbox.env() | {
            "BACKUP_STRATEGY": "sequential" if connections == 1 else "chunked",
            "BACKUP_MAX_WORKERS": str(connections),
            "BACKUP_TEMP_DIR": str(self.folder),
            "TAP_MYSQL__SELECT": json.dumps([f"{WIDE.stream}.*"]),
            "TIDEMARK_REPORT_DIR": str(self.folder / "reports"),
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        lake = S3Location.of(read_settings(S3Settings, {}, env))
        empty_bucket(lake)
        read = self._read(name, lambda: _copied(env, self.result.rows))
        if (found := rows_in_lake(lake, WIDE)) != self.result.rows:
            raise BenchError(f"the lake has {found} rows instead of {self.result.rows}")
        again = _meltano(env)
        self.result.idle = again.seconds
        read.seconds -= again.seconds
        read.cpu = {n: read.cpu[n] - again.cpus.get(n, 0.0) for n in _PROGRAMS}
        read.peaks = {n: read.peaks[n] for n in _PROGRAMS}
        self.result.reads.append(read)

    def others(self, singer_rows: int) -> None:
        rows = self.result.rows
        readers: tuple[tuple[str, Callable[..., Other], int], ...] = (
            ("mysqlclient, as tuples", mysqlclient_read, rows),
            ("ConnectorX, as one Arrow table", connectorx_read, rows),
            ("dlt with ConnectorX", dlt_read, rows),
            ("sling, to a CSV file", sling_read, rows),
            ("pipelinewise-tap-mysql | target-s3", singer_read, singer_rows),
        )
        for name, reader, count in readers:
            action = partial(reader, self.sandbox, WIDE, count, self.folder)
            self.result.reads.append(self._read(name, action))

    def _read(self, name: str, action: Callable[[], Other]) -> Read:
        self.console.print(f"{name} …")
        before = machine.servers_cpu(self.sandbox), tunnels_cpu()
        other = action()
        took = other.took
        (server, sshd), tunnels = machine.servers_cpu(self.sandbox), tunnels_cpu()
        server, sshd = server - before[0][0], sshd - before[0][1]
        # Ours is among what was run, the others' is the bench's own.
        ssh = took.cpus.get(_SSH, 0.0) + tunnels - before[1]
        cpu = {name: seconds for name, seconds in took.cpus.items() if name != _SSH}
        return Read(name, other.rows, other.seconds, cpu, server, ssh + sshd, took.peaks)


def _copied(env: dict[str, str], rows: int) -> Other:
    done = _meltano(env)
    return Other(done.seconds, rows, done)


def _meltano(env: dict[str, str]) -> Measured:
    suffix = f"--state-id-suffix=bench-{env['BACKUP_MAX_WORKERS']}"
    words = ["run", suffix, "tap-mysql", "target-s3-parquet"]
    return run([BIN / "meltano", "--environment=dev", *words], env=env, cwd=ROOT)


def show(result: Result, console: Console) -> None:
    """Prints the figures."""
    load = " to ".join(f"{value:.1f}" for value in result.load)
    title = f"{result.rows:,} rows; {result.machine}; load average {load}"
    table = Table(title=f"{title}; servers on a core of their own" if result.pinned else title)
    for name in ("what", "seconds", "rows/s", "to the raw read", "CPU", "MySQL's CPU", "ssh's CPU",
                 "peak MB"):  # fmt: skip
        table.add_column(name, justify="left" if name == "what" else "right")
    raw = _each(result.reads[0])
    for read in result.reads:
        each = _each(read)
        name = read.name if read.rows == result.rows else f"{read.name}, {read.rows:,} rows"
        table.add_row(
            name, f"{read.seconds:.1f}", f"{1 / each:,.0f}", f"{each / raw:.2f}",
            f"{sum(read.cpu.values()):.1f}", f"{read.server:.1f}", f"{read.ssh:.1f}",
            f"{sum(read.peaks.values()):,.0f}",
        )  # fmt: skip
    table.add_row("meltano run with nothing new", f"{result.idle:.1f}")
    console.print(table)
    for read in result.reads:
        if len(read.cpu) > 1:
            parts = [f"{n} {read.cpu[n]:.1f} s, {read.peaks[n]:,.0f} MB" for n in read.cpu]
            console.print(f"{read.name}: {'; '.join(parts)}")
    for text, good in goals(result):
        console.print(f"{'[green]met[/green]   ' if good else '[red]missed[/red]'} {text}")


def goals(result: Result) -> list[tuple[str, bool]]:
    """What is held against the first of our runs: a text, and whether it is met."""
    named = {read.name.partition(",")[0]: read for read in reversed(result.reads)}
    ours = named["meltano run"]
    each, cpu, peak = _each(ours), sum(ours.cpu.values()), sum(ours.peaks.values())
    to_raw = each / _each(result.reads[0])
    found = [
        (f"{to_raw:.2f} times the raw read", to_raw <= TO_RAW),
        (f"nothing new: {result.idle:.1f} s", result.idle <= IDLE_SECONDS),
        (f"{cpu:.1f} CPU seconds", cpu * 1e6 / ours.rows <= CPU_SECONDS),
        (f"{peak:,.0f} MB, what both map counted twice", peak <= PEAK_MB),
    ]
    for name, goal in (("dlt with ConnectorX", TO_DLT),
                       ("pipelinewise-tap-mysql | target-s3", TO_SINGER)):  # fmt: skip
        if name in named:
            faster = _each(named[name]) / each
            found.append((f"{faster:.2f} times as fast as {name}", faster >= goal))
    return found


def _each(read: Read) -> float:
    return read.seconds / read.rows


if __name__ == "__main__":
    try:
        app()
    except BenchError as error:
        sys.exit(f"error: {error}")

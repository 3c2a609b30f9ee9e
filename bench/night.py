"""Measures a night: ``meltano run sync`` with nothing new, with 1,000 changed rows, and with a day.

In a sandbox of its own, which is removed afterwards.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from measure import run
from rich.console import Console
from tidemark_sandbox.world import Sandbox
from world import BIN, ROOT, WIDE

#: Seconds that a night may take on 2 cores that have nothing else to do.
LIMITS = {"nothing new": 15, "1,000 deliveries changed": 20, "a day's changes in all tables": 20}
_STEPS = ("start", "backup", "load", "build")
_BLOCK_ENDS = "Block run completed"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Night:
    """What one run took.

    Attributes:
        what: What there was to do.
        seconds: Of the clock, from the command to its end.
        cpu_seconds: Of Meltano, the plugins and dbt; not of MySQL, S3 and the warehouse.
        steps: Seconds of the clock by step.
        load: The machine's load (of the last minute) when it began.
    """

    what: str
    seconds: float
    cpu_seconds: float
    steps: dict[str, float]
    load: float


@app.command()
def main(
    rows: Annotated[int, typer.Option(help="Deliveries in MySQL.")] = 3_000,
    output: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Runs the nightly job on a small warehouse and prints where the time goes."""
    console = Console()
    with _sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        sandbox.seed(rows)
        env = sandbox.env() | {
            "MELTANO_SYS_DIR_ROOT": folder,
            "DBT_TARGET_PATH": f"{folder}/target",
            "DBT_LOG_PATH": folder,
        }
        console.print("The first run …")
        _sync("first", env)
        _sync("first", env)  # dbt has parsed, Meltano's database is made, caches are warm
        nights = []
        for what in LIMITS:
            _change(what, sandbox)
            console.print(f"{what} …")
            nights.append(_sync(what, env))
    show(nights)
    if output:
        output.write_text(json.dumps([asdict(night) for night in nights], indent=1) + "\n")


@contextmanager
def _sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(ROOT / ".sandbox-bench-night", Sandbox.free_port_block())
    sandbox.up()
    try:
        yield sandbox
    finally:
        sandbox.reset()


def _change(what: str, sandbox: Sandbox) -> None:
    if what.startswith("1,000"):
        newest = f"UPDATE `{WIDE.table}` SET update_at = UTC_TIMESTAMP() ORDER BY ID DESC"
        sandbox.mysql(f"{newest} LIMIT 1000")
    elif what.startswith("a day"):
        sandbox.change(1_000)


def _sync(what: str, env: Mapping[str, str]) -> Night:
    load = os.getloadavg()[0]
    begun = datetime.now(UTC)
    meltano = [str(BIN / "meltano"), "--log-format=json", "run", "--force", "sync"]
    done = run(["sh", "-c", 'exec "$@" 2>&1', "sh", *meltano], env=env, cwd=ROOT)
    return Night(what, done.seconds, done.cpu_seconds, steps(begun, done.output), load)


def steps(begun: datetime, log: str) -> dict[str, float]:
    """Seconds of each step, by what Meltano logs of its blocks."""
    moments = [begun]
    for line in log.splitlines():
        try:
            record = json.loads(line)
            moment = datetime.fromisoformat(record["timestamp"])
        except (ValueError, TypeError, KeyError):
            continue
        is_first = len(moments) == 1 and str(record["event"]).startswith("Running job")
        if is_first or record["event"] == _BLOCK_ENDS:
            moments.append(moment)
    return {
        name: (after - before).total_seconds()
        for name, before, after in zip(_STEPS, moments, moments[1:], strict=False)
    }


def show(nights: list[Night]) -> None:
    """Prints the figures as the table of docs/performance.md."""
    heads = ("", "at most", "by the clock", "client's CPU", *_STEPS, "load before")
    typer.echo(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for night in nights:
        times = [night.seconds, night.cpu_seconds, *night.steps.values(), night.load]
        cells = [night.what, str(LIMITS[night.what]), *(f"{time:.1f}" for time in times)]
        typer.echo(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    app()

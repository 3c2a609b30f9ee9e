"""Measures the reading of the binary log: changed keys a CPU second, and memory.

Of transactions of every size; on MySQL itself with SANDBOX_SERVER=mysql. Beside it
python-mysql-replication, which decodes every column of the same log.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any

import mysql_binlog
import typer
from measure import BenchError, run
from others import environment
from rich.console import Console
from rich.table import Table
from tidemark_sandbox.world import Sandbox
from world import ROOT

#: What the bench holds its figures against, of a million keys.
CPU_SECONDS, PEAK_MB = 5.0, 200
_TABLE = ("settlement", "bench_binlog")
_TEXTS = ", ".join(f"t{n} VARCHAR({40 if n < 4 else 300})" for n in range(8))
_DDL = f"""
CREATE TABLE {_TABLE[1]} (id BIGINT AUTO_INCREMENT PRIMARY KEY, {_TEXTS}, n1 INT, n2 INT, n3 BIGINT,
    n4 SMALLINT, d1 DECIMAL(12,2), d2 DECIMAL(18,4), m1 DATETIME(3), m2 TIMESTAMP NULL)
"""
_ROW = f"({', '.join([repr('some text')] * 8)}, 1, NULL, 3, 4, 1.5, 2.5, NOW(3), NULL)"
_NAMES = f"{', '.join(f't{n}' for n in range(8))}, n1, n2, n3, n4, d1, d2, m1, m2"
#: Changes rows in transactions of one size; by itself, for a million of them would take hours if
#: each were asked for over a connection.
_CHANGE = f"""
CREATE PROCEDURE {_TABLE[1]}_change (first BIGINT, last BIGINT, size INT)
WHILE first <= last DO
    UPDATE {_TABLE[1]} SET n1 = n1 + 1 WHERE id BETWEEN first AND LEAST(first + size - 1, last);
    SET first = first + size;
END WHILE
"""
_STEP = 5_000
#: Rows of a transaction; 0: all are changed by one.
_SIZES = (1, 2, 10, 100, _STEP, 0)
#: Keys of the parts with small transactions, which take long to write, if nothing else is asked
#: for; others, who read 2,000 a second, get no part with more.
_FEW = 50_000
#: Prints the keys, and the CPU seconds after the imports.
_OURS = """
    import json, sys, time
    import pymysql
    from mysql_binlog import Position, key_columns, read_changes
    socket, user, since, until = sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:5])
    table = ("settlement", "bench_binlog")
    def connect():
        return pymysql.connect(unix_socket=socket, user=user, charset="utf8mb4", autocommit=True)
    tables = {table: key_columns(connect(), table)}
    begun, keys = time.process_time(), 0
    ends = Position.from_json(since), Position.from_json(until)
    for batch in read_changes(connect, *ends, tables, server_id=4711):
        keys += len(batch.keys.get(table, ()))
    print(keys, time.process_time() - begun)
"""
_THEIRS = """
    import json, sys, time
    from pymysqlreplication import BinLogStreamReader
    from pymysqlreplication.row_event import UpdateRowsEvent, WriteRowsEvent
    socket, user, since, until = sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:5])
    begun, rows = time.process_time(), 0
    stream = BinLogStreamReader(
        connection_settings={"unix_socket": socket, "user": user, "host": "localhost"},
        server_id=4712, log_file=since["file"], log_pos=since["offset"], resume_stream=True,
        only_events=[UpdateRowsEvent, WriteRowsEvent],
        end_log_pos=until["offset"], blocking=False)
    for event in stream:
        rows += len(event.rows)
    print(rows, time.process_time() - begun)
"""

app = typer.Typer(add_completion=False)


@dataclass
class Part:
    """A part of the log: what changed in it, where it is, how many keys it has."""

    name: str
    since: dict[str, Any]
    until: dict[str, Any]
    keys: int

    def by_file(self) -> Part:
        """The same part, of which no GTIDs are known."""
        since = self.since | {"gtid": ""}
        return Part(f"{self.name}, by file and offset", since, self.until, self.keys)


@app.command()
def main(
    rows: Annotated[int, typer.Option(min=_FEW, help="Keys that are changed.")] = 1_000_000,
    few: Annotated[
        int, typer.Option(min=_STEP, help="Of these, by transactions of at most 100 rows.")
    ] = _FEW,
) -> None:
    """Fills a log, and reads it."""
    console = Console()
    sandbox = Sandbox(ROOT / ".sandbox-bench-binlog", Sandbox.free_port_block())
    sandbox.reset()
    sandbox.up()
    try:
        rows -= rows % _STEP
        show(console, sandbox, fill(sandbox, rows, min(few, rows)))
    finally:
        sandbox.reset()


def fill(sandbox: Sandbox, rows: int, few: int) -> list[Part]:
    """Changes rows: inserted, and updated in transactions of each size."""
    connection = sandbox.source.connect(database=_TABLE[0])
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(_DDL)
        cursor.execute(_CHANGE)
        parts: list[Part] = []

        def write(name: str, keys: int, statements: Iterable[str]) -> None:
            cursor.execute("FLUSH BINARY LOGS")  # the end of a part is in the file of its beginning
            since = mysql_binlog.current_position(connection).to_json()
            for statement in statements:
                cursor.execute(statement)
            until = mysql_binlog.current_position(connection).to_json()
            parts.append(Part(name, since, until, keys))

        def change(word: str, size: int) -> None:
            keys = rows if size in (_STEP, 0) else few
            name = f"{word}, {size:,} a transaction" if size else f"{word}, all in one"
            write(name, keys, [f"CALL {_TABLE[1]}_change(1, {keys}, {size or keys})"])

        values = ", ".join([_ROW] * _STEP)
        insert = f"INSERT INTO {_TABLE[1]} ({_NAMES}) VALUES {values}"
        write(f"inserted, {_STEP:,} a transaction", rows, [insert] * (rows // _STEP))
        for size in _SIZES:
            change("updated", size)
        by_file = parts[1].by_file()
        for setting, (on, off) in special(sandbox.config.server).items():
            cursor.execute(on)
            for size in _SIZES if setting == "compressed" else _SIZES[:1]:
                change(setting, size)
            cursor.execute(off)
    return [*parts, by_file]


def special(server: str) -> dict[str, tuple[str, str]]:
    """Forms of the log that not all have: how each is switched on, and off."""
    if server == "mysql":
        compression = "SET SESSION binlog_transaction_compression = "
        return {
            "compressed": (f"{compression}ON", f"{compression}OFF"),
            "tagged": ("SET gtid_next = 'AUTOMATIC:bench'", "SET gtid_next = 'AUTOMATIC'"),
        }
    on = "SET GLOBAL log_bin_compress_min_len = 10, GLOBAL log_bin_compress = 1"
    return {"compressed": (on, "SET GLOBAL log_bin_compress = 0")}


def show(console: Console, sandbox: Sandbox, parts: list[Part]) -> None:
    """Reads the parts and prints the figures."""
    table = Table(title=f"keys from the log; 17 columns a row, {sandbox.config.server}")
    for name in ("what", "keys", "CPU s", "keys a CPU s", "peak MB"):
        table.add_column(name, justify="left" if name == "what" else "right")
    goals = []
    for part in parts:
        cpu, peak = read(sandbox, _OURS, sys.executable, part)
        table.add_row(part.name, f"{part.keys:,}", f"{cpu:.2f}", f"{part.keys / cpu:,.0f}",
                      f"{peak:.0f}")  # fmt: skip
        a_million = cpu * 1e6 / part.keys
        good = a_million <= CPU_SECONDS and peak <= PEAK_MB
        goals.append((f"{part.name}: {a_million:.1f} CPU s a million, {peak:.0f} MB", good))
    theirs = environment("mysql-replication") / "python"
    for part in parts:
        if part.keys <= _FEW and part.name.startswith("updated") and part.since["gtid"]:
            cpu, peak = read(sandbox, _THEIRS, theirs, part)
            table.add_row(f"python-mysql-replication: {part.name}", f"{part.keys:,}",
                          f"{cpu:.2f}", f"{part.keys / cpu:,.0f}", f"{peak:.0f}")  # fmt: skip
    console.print(table)
    for text, good in goals:
        console.print(f"{'[green]met[/green]   ' if good else '[red]missed[/red]'} {text}")


def read(sandbox: Sandbox, script: str, python: Any, part: Part) -> tuple[float, float]:
    """CPU seconds without the imports, and peak MB, of a script that reads a part."""
    user = str(sandbox.mysql("SELECT CURRENT_USER()")[0][0]).partition("@")[0]
    ends = json.dumps(part.since), json.dumps(part.until)
    done = run([python, "-c", textwrap.dedent(script), sandbox.config.mysql_socket, user, *ends])
    keys, seconds = done.output.split()
    if int(keys) != part.keys:
        raise BenchError(f"{python}: {part.name}: {keys} keys in place of {part.keys}")
    return float(seconds), max(done.peaks.values())


if __name__ == "__main__":
    try:
        app()
    except BenchError as error:
        sys.exit(f"error: {error}")

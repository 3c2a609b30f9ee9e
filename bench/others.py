"""Other people's tools, each in an environment of its own, made once under .bench."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Measured, run
from tidemark_core.names import TableName
from tidemark_sandbox.access.clients import Database, target
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.world import Sandbox
from world import ROOT

_CACHE = ROOT / ".bench"
_UV = ROOT / ".uv" / "bin" / "uv"
_PACKAGES = {
    "dlt": ("dlt[filesystem,parquet,sql_database]==1.31.0", "connectorx==0.4.6", "pymysql", "s3fs"),
    "mysqlclient": ("mysqlclient-static==2.3.0.post3",),
    # The package `sling` fetches its program from elsewhere; this is the last that brings it.
    "sling": ("sling-linux-amd64==1.4.11",),
    "mysql-replication": ("mysql-replication==1.0.17",),
    "singer-tap": ("pipelinewise-tap-mysql==1.6.0",),
    # Of the Parquet targets on PyPI the one that loads what this tap writes.
    "singer-target": ("plinxore-target-s3==0.1.7",),
}
#: Prints the seconds of the pipeline itself: not those of its imports.
_DLT = """
    import os, sys, time
    import dlt
    from dlt.sources.sql_database import sql_table
    begun = time.monotonic()
    table = sql_table(os.environ["BENCH_URL"], table=sys.argv[1], backend="connectorx",
                      reflection_level="full_with_precision",
                      backend_kwargs={"conn": os.environ["BENCH_CONNECTORX"]})
    pipeline = dlt.pipeline("bench", destination="filesystem", dataset_name="dlt",
                            pipelines_dir=sys.argv[2])
    pipeline.run(table, loader_file_format="parquet", write_disposition="replace")
    seconds = time.monotonic() - begun
    rows = sum(pipeline.last_trace.last_normalize_info.row_counts[name]
               for name in (sys.argv[1],))
    print(rows, seconds)
"""
#: Print the rows that they read, and the seconds.
_MYSQLCLIENT = """
    import os, sys, time
    import MySQLdb, MySQLdb.cursors
    begun, rows = time.monotonic(), 0
    connection = MySQLdb.connect(
        host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), user=os.environ["DB_USER"],
        password=os.environ["DB_PASSWORD"], database=sys.argv[1], charset="utf8mb4",
        cursorclass=MySQLdb.cursors.SSCursor)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM `{sys.argv[2]}`")
        while found := cursor.fetchmany(10_000):
            rows += len(found)
    print(rows, time.monotonic() - begun)
"""
_CONNECTORX = """
    import os, sys, time
    import connectorx, pyarrow
    begun = time.monotonic()
    table = connectorx.read_sql(os.environ["BENCH_CONNECTORX"], f"SELECT * FROM `{sys.argv[2]}`",
                                return_type="arrow")
    print(table.num_rows, time.monotonic() - begun)
"""
_COUNT = """
    import sys, pyarrow.csv
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    print(sum(batch.num_rows for batch in pyarrow.csv.open_csv(sys.argv[1], parse_options=options)))
"""


@dataclass(frozen=True)
class Other:
    """What another program took for some rows.

    Attributes:
        seconds: Without its start, as far as it tells.
        rows: How many it read.
        took: CPU and memory, start included.
    """

    seconds: float
    rows: int
    took: Measured


def environment(name: str) -> Path:
    """An environment's folder of programs, made when it is first asked for."""
    folder = _CACHE / name
    if not (folder / ".made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run([_UV, "venv", "--quiet", "--python=3.11", folder])
        run([_UV, "pip", "install", "--quiet", f"--python={folder}/bin/python", *_PACKAGES[name]])
        (folder / ".made").touch()
    return folder / "bin"


def dlt_read(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> Other:
    """Has dlt copy a table to the same S3 as Parquet, by ConnectorX."""
    programs, env = environment("dlt"), sandbox.env()
    with open_tunnel(sandbox.config, target(sandbox.config, Database.MYSQL)) as tunnel:
        prefix = "DESTINATION__FILESYSTEM__"
        done = run(
            [programs / "python", "-c", textwrap.dedent(_DLT), table.table, folder / "dlt"],
            env={
                "BENCH_URL": f"mysql+pymysql://{_login(env, tunnel.port)}/{table.schema}",
                "BENCH_CONNECTORX": _connectorx_url(env, tunnel.port, table),
                f"{prefix}BUCKET_URL": f"s3://{env['S3_BUCKET_NAME']}/bench",
                f"{prefix}CREDENTIALS__AWS_ACCESS_KEY_ID": env["S3_ACCESS_KEY"],
                f"{prefix}CREDENTIALS__AWS_SECRET_ACCESS_KEY": env["S3_SECRET_KEY"],
                f"{prefix}CREDENTIALS__ENDPOINT_URL": env["S3_ENDPOINT_URL"],
                f"{prefix}CREDENTIALS__REGION_NAME": env["S3_REGION"],
                "RUNTIME__DLTHUB_TELEMETRY": "false",
            },
        )
    return _told(done, rows, "dlt")


def connectorx_read(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> Other:  # noqa: ARG001
    """Has ConnectorX read a table into one Arrow table, and write nothing."""
    return _script(sandbox, table, rows, environment("dlt"), _CONNECTORX)


def mysqlclient_read(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> Other:  # noqa: ARG001
    """Has mysqlclient read a table as tuples, and write nothing."""
    return _script(sandbox, table, rows, environment("mysqlclient"), _MYSQLCLIENT)


def sling_read(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> Other:
    """Has sling copy a table to a CSV file of this machine; its start is counted.

    For Parquet it fetches a program from elsewhere.
    """
    (program,) = environment("sling").parent.glob("lib/*/site-packages/*/bin/sling-linux-amd64")
    program.chmod(0o755)
    env, made = sandbox.env(), folder / "sling.csv"
    with open_tunnel(sandbox.config, target(sandbox.config, Database.MYSQL)) as tunnel:
        login = _login(env, tunnel.port)
        done = run(
            [program, "run", "--src-conn", "BENCH", "--src-stream", str(table),
             "--tgt-object", f"file://{made}"],
            env={"BENCH": f"mysql://{login}/{table.schema}", "SLING_HOME_DIR": str(folder),
                 "SLING_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip
    count: list[str | Path] = [environment("dlt") / "python", "-c", textwrap.dedent(_COUNT), made]
    found = int(run(count).output)
    if found != rows:
        raise ValueError(f"sling read {found} rows instead of {rows}")
    return Other(done.seconds, rows, done)


def _script(sandbox: Sandbox, table: TableName, rows: int, programs: Path, script: str) -> Other:
    env = sandbox.env()
    with open_tunnel(sandbox.config, target(sandbox.config, Database.MYSQL)) as tunnel:
        done = run(
            [programs / "python", "-c", textwrap.dedent(script), table.schema, table.table],
            env={
                "BENCH_PORT": str(tunnel.port),
                "BENCH_CONNECTORX": _connectorx_url(env, tunnel.port, table),
                "DB_USER": env["DB_USER"],
                "DB_PASSWORD": env["DB_PASSWORD"],
            },
        )
    return _told(done, rows, programs.parent.name)


def _login(env: Mapping[str, str], port: int) -> str:
    return f"{env['DB_USER']}:{env['DB_PASSWORD']}@127.0.0.1:{port}"


def _connectorx_url(env: Mapping[str, str], port: int, table: TableName) -> str:
    # Else the driver goes past the tunnel, by the server's socket.
    return f"mysql://{_login(env, port)}/{table.schema}?prefer_socket=false"


def _told(done: Measured, rows: int, name: str) -> Other:
    found, seconds = done.output.split()[-2:]
    if int(found) != rows:
        raise ValueError(f"{name} read {found} rows instead of {rows}")
    return Other(float(seconds), rows, done)


def singer_read(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> Other:
    """Has the Singer pair copy so many of a table's rows.

    Its start-up, which is what a single row takes, is not counted in the seconds.
    """
    start_up = _singer(sandbox, table, 1, folder).seconds
    done = _singer(sandbox, table, rows, folder)
    return Other(done.seconds - start_up, rows, done)


def _singer(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> Measured:
    tap, target_bin = environment("singer-tap"), environment("singer-target")
    env, few = sandbox.env(), TableName(table.schema, f"{table.table}_bench")
    sandbox.mysql(f"DROP TABLE IF EXISTS `{few.table}`")
    sandbox.mysql(f"CREATE TABLE `{few.table}` LIKE `{table.table}`")
    sandbox.mysql(f"INSERT INTO `{few.table}` SELECT * FROM `{table.table}` LIMIT {rows:d}")
    try:
        with open_tunnel(sandbox.config, target(sandbox.config, Database.MYSQL)) as tunnel:
            source = _write(folder, "singer-tap.json", {
                "host": "127.0.0.1", "port": tunnel.port, "user": env["DB_USER"],
                "password": env["DB_PASSWORD"], "filter_dbs": few.schema,
            })  # fmt: skip
            found = json.loads(run([tap / "tap-mysql", "-c", source, "--discover"]).output)
            streams = [s for s in found["streams"] if s["table_name"] == few.table]
            for stream in streams:
                for entry in stream["metadata"]:
                    if not entry["breadcrumb"]:
                        entry["metadata"] |= {"selected": True, "replication-method": "FULL_TABLE"}
            catalog = _write(folder, "singer-catalog.json", {"streams": streams})
            lake = _write(folder, "singer-target.json", {
                "format": {"format_type": "parquet"},
                "prefix": "bench/singer",
                "cloud_provider": {
                    "cloud_provider_type": "aws",
                    "aws": {
                        "aws_access_key_id": env["S3_ACCESS_KEY"],
                        "aws_secret_access_key": env["S3_SECRET_KEY"],
                        "aws_region": env["S3_REGION"],
                        "aws_bucket": env["S3_BUCKET_NAME"],
                        "aws_endpoint_override": env["S3_ENDPOINT_URL"],
                    },
                },
            })  # fmt: skip
            done = run(
                [tap / "tap-mysql", "-c", source, "--catalog", catalog],
                [target_bin / "target-s3", "--config", lake],
            )
    finally:
        sandbox.mysql(f"DROP TABLE IF EXISTS `{few.table}`")
    return done


def _write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))
    return path

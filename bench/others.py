"""Other people's tools, each in an environment of its own, made once under .bench."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path
from typing import Any

from measure import run
from tidemark_core.names import TableName
from tidemark_sandbox.clients import Database, target
from tidemark_sandbox.tunnel import open_tunnel
from tidemark_sandbox.world import Sandbox
from world import ROOT

_CACHE = ROOT / ".bench"
_UV = ROOT / ".uv" / "bin" / "uv"
_PACKAGES = {
    "dlt": ("dlt[filesystem,parquet,sql_database]==1.31.0", "connectorx==0.4.6", "pymysql", "s3fs"),
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


def _environment(name: str) -> Path:
    """An environment's folder of programs, made when it is first asked for."""
    folder = _CACHE / name
    if not (folder / ".made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run([_UV, "venv", "--quiet", "--python=3.11", folder])
        run([_UV, "pip", "install", "--quiet", f"--python={folder}/bin/python", *_PACKAGES[name]])
        (folder / ".made").touch()
    return folder / "bin"


def dlt_read(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of dlt copying a table to the same S3 as Parquet."""
    programs, env = _environment("dlt"), sandbox.env()
    with open_tunnel(sandbox.config, target(sandbox.config, Database.MYSQL)) as tunnel:
        login = f"{env['DB_USER']}:{env['DB_PASSWORD']}@127.0.0.1:{tunnel.port}"
        prefix = "DESTINATION__FILESYSTEM__"
        done = run(
            [programs / "python", "-c", textwrap.dedent(_DLT), table.table, folder / "dlt"],
            env={
                "BENCH_URL": f"mysql+pymysql://{login}/{table.schema}",
                # Else the driver goes past the tunnel, by the server's socket.
                "BENCH_CONNECTORX": f"mysql://{login}/{table.schema}?prefer_socket=false",
                f"{prefix}BUCKET_URL": f"s3://{env['S3_BUCKET_NAME']}/bench",
                f"{prefix}CREDENTIALS__AWS_ACCESS_KEY_ID": env["S3_ACCESS_KEY"],
                f"{prefix}CREDENTIALS__AWS_SECRET_ACCESS_KEY": env["S3_SECRET_KEY"],
                f"{prefix}CREDENTIALS__ENDPOINT_URL": env["S3_ENDPOINT_URL"],
                f"{prefix}CREDENTIALS__REGION_NAME": env["S3_REGION"],
                "RUNTIME__DLTHUB_TELEMETRY": "false",
            },
        )
    found, seconds = done.output.split()[-2:]
    if int(found) != rows:
        raise ValueError(f"dlt read {found} rows instead of {rows}")
    return float(seconds), max(done.peaks.values())


def singer_read(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of the Singer pair for so many of a table's rows.

    Its start-up, which is what a single row takes, is not counted.
    """
    start_up, _ = _singer(sandbox, table, 1, folder)
    seconds, peak = _singer(sandbox, table, rows, folder)
    return seconds - start_up, peak


def _singer(sandbox: Sandbox, table: TableName, rows: int, folder: Path) -> tuple[float, float]:
    tap, target_bin = _environment("singer-tap"), _environment("singer-target")
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
    return done.seconds, max(done.peaks.values())


def _write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))
    return path

"""What the load is held against: the tools that people would use without Tidemark."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure import BenchError, Measured, run
from redshift_stand_in.postgres.cluster import PORT, SUPERUSER
from target_redshift.model.landing_table import LandingTable
from target_redshift.staging.csv_encoder import NULL_MARKER
from target_redshift.staging.csv_stager import Stager
from target_redshift.staging.load_file import LoadFile
from target_redshift.staging.value_fitter import Cleaner
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import TableName
from tidemark_core.runs.progress import EVERY_SECONDS, Lines, Meter
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_sandbox.access.clients import Database, mysql_client, target
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.debian.packages import program
from tidemark_sandbox.settings import accounts
from tidemark_sandbox.world import Sandbox
from world import WIDE

_PREFIX = "bench/"


def raw_read(sandbox: Sandbox, table: TableName) -> Measured:
    """Has MariaDB's own client read a table through a tunnel into nothing."""
    with open_tunnel(sandbox.config, target(sandbox.config, Database.MYSQL)) as tunnel:
        query = f"SELECT * FROM `{table.table}`"
        client = mysql_client(sandbox.config, tunnel.port, "reader", query)
        # The tunnel encrypts, as it does for the tap: TLS within would only make this one slower.
        words_of_it = [word for word in client.command if not word.startswith("--ssl")]
        command = [*words_of_it, "--skip-ssl", "--quick", "--batch"]
        return run(command, env=client.env, discard=True)


def pandas_csv(s3: S3Location, folder: Path) -> Measured:
    """Has pandas read each file of the lake and write it as gzipped CSV, on the local disk."""
    files = folder / "lake"
    files.mkdir()
    for entry in list_keys(s3.client(), s3.bucket, s3.layout.incremental):
        s3.client().download_file(s3.bucket, entry["Key"], str(files / Path(entry["Key"]).name))
    script = (
        "import pandas, pathlib, sys\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.parquet')):\n"
        "    pandas.read_parquet(path).to_csv(path.with_suffix('.csv.gz'), index=False)\n"
    )
    return run([sys.executable, "-c", script, files])


def plain_copy(sandbox: Sandbox, s3: S3Location, config: Mapping[str, Any], folder: Path) -> float:
    r"""Seconds of PostgreSQL's own ``\copy`` of the staged parts, past the stand-in's front."""
    parts = _staged_parts(s3, config, folder)
    words_of_psql = [
        program("psql"),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        f"--host={sandbox.config.postgres_sockets}",
        f"--port={PORT}",
        f"--username={SUPERUSER}",
        f"--dbname={accounts.WAREHOUSE_DATABASE}",
    ]
    name = "public.bench_plain_copy"
    run([*words_of_psql, f"--command=CREATE TABLE {name} (LIKE landing.{WIDE.table})"])
    unpack = shlex.join(["gzip", "--decompress", "--stdout", *map(str, parts)])
    begun = time.monotonic()
    try:
        run([
            *words_of_psql,
            f"--command=\\copy {name} FROM PROGRAM '{unpack}' "
            f"WITH (FORMAT csv, NULL '{NULL_MARKER}')",
        ])  # fmt: skip
        return time.monotonic() - begun
    finally:
        run([*words_of_psql, f"--command=DROP TABLE {name}"])


def _staged_parts(s3: S3Location, config: Mapping[str, Any], folder: Path) -> list[Path]:
    """The parts that the loader makes of the lake's files, on the local disk."""
    client, layout = s3.client(), s3.layout
    files: list[LoadFile] = []
    landing: LandingTable | None = None
    for entry in list_keys(client, s3.bucket, layout.manifests_prefix(WIDE)):
        body = client.get_object(Bucket=s3.bucket, Key=entry["Key"])["Body"].read()
        manifest = Manifest.from_json(body, key=entry["Key"], layout=layout)
        landing = LandingTable.from_schema(WIDE, manifest.schema, manifest.key_properties)
        files += [
            LoadFile(f.key, f.etag, f.rows, f.size, manifest.extracted_at, bucket=s3.bucket)
            for f in manifest.files
        ]
    if landing is None:
        raise BenchError(f"the lake has no manifest of {WIDE}")
    stager = Stager(
        client=client,
        bucket=s3.bucket,
        prefix=_PREFIX,
        cleaner=Cleaner(landing),
        slices=config["redshift_slices"],
        compression="gzip",
        marker=NULL_MARKER,
        meter=Meter(str(WIDE), Lines(EVERY_SECONDS)),
    )
    stager.stage(files, load_id=1)
    parts = []
    for found in list(list_keys(client, s3.bucket, f"{_PREFIX}part-")):
        path = folder / Path(found["Key"]).name
        client.download_file(s3.bucket, found["Key"], str(path))
        parts.append(path)
    return parts

"""The two legs of a run, each as the pipe of its two plugins, without Meltano's own start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measure import Measured, run
from tap_mysql.settings import SETTINGS as TAP_MYSQL
from tap_s3_parquet.settings import SETTINGS as TAP
from target_redshift.settings import SETTINGS as TARGET
from target_s3_parquet.settings import SETTINGS as LAKE
from tidemark_core.names import TableName
from tidemark_core.report_store import read_reports
from tidemark_core.runs.run_report import ReportedTable
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_core.settings import Setting, resolve
from world import BIN


def config(settings: Sequence[Setting], env: Mapping[str, str]) -> dict[str, Any]:
    """A plugin's configuration, of variables."""
    given = {s.name: s.convert(env[s.env]) for s in settings if env.get(s.env)}
    return {name: value for name, value in resolve(settings, given).items() if value is not None}


def catalog(
    env: Mapping[str, str],
    folder: Path,
    tables: Sequence[TableName],
    method: str = "INCREMENTAL",
) -> Path:
    """Discovers tables and selects them, by update_at if INCREMENTAL."""
    source = _write(folder, "tap-mysql.json", config(TAP_MYSQL, env))
    found = json.loads(run([BIN / "tap-mysql", "--config", source, "--discover"]).output)
    wanted = {table.stream for table in tables}
    streams = [entry for entry in found["streams"] if entry["tap_stream_id"] in wanted]
    for stream in streams:
        stream["replication_method"] = method
        if method == "INCREMENTAL":
            stream["replication_key"] = "update_at"
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True
    return _write(folder, f"catalog-{method}.json", {"streams": streams})


def backup(
    env: Mapping[str, str], folder: Path, selected: Path, state: str | None = None
) -> Measured:
    """MySQL to the lake; its output's last line is the state for the next time."""
    source = _write(folder, "tap-mysql.json", config(TAP_MYSQL, env))
    lake = _write(folder, "target-s3-parquet.json", config(LAKE, env))
    return run(
        [BIN / "tap-mysql", "--config", source, "--catalog", selected, *_known(folder, state)],
        [BIN / "target-s3-parquet", "--config", lake],
    )


def load(env: Mapping[str, str], folder: Path, run_id: str, state: str | None = None) -> Measured:
    """The lake to landing; its output's last line is the state for the next time."""
    tap = _write(folder, "tap-s3-parquet.json", config(TAP, env))
    target = _write(folder, "target-redshift.json", config(TARGET, env))
    return run(
        [BIN / "tap-s3-parquet", "--config", tap, *_known(folder, state)],
        [BIN / "target-redshift", "--config", target],
        env={"TIDEMARK_RUN_ID": run_id, "TIDEMARK_REPORT_DIR": str(folder / "reports")},
    )


def report(s3: S3Location, run_id: str) -> ReportedTable:
    """The load leg's own report of the one table that it loaded."""
    today = datetime.now(UTC).date()
    reports = read_reports(s3, today - timedelta(days=1), today)
    (mine,) = (report for report in reports if report.run_id == run_id)
    ((table,),) = (leg.tables for leg in mine.legs if leg.leg == "warehouse")
    return table


def rows_in_lake(s3: S3Location, table: TableName) -> int:
    """Rows of the files that a table's manifests name."""
    client = s3.client()
    keys = [
        entry["Key"] for entry in list_keys(client, s3.bucket, s3.layout.manifests_prefix(table))
    ]
    bodies = (client.get_object(Bucket=s3.bucket, Key=key)["Body"].read() for key in keys)
    return sum(file["rows"] for body in bodies for file in json.loads(body)["files"])


def _known(folder: Path, state: str | None) -> list[str | Path]:
    return ["--state", _write(folder, "state.json", json.loads(state))] if state else []


def _write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path

"""The plugins as Meltano runs them, two in a pipe: backup, then load."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tap_mysql.settings import SETTINGS as TAP_MYSQL
from tap_s3_parquet.settings import SETTINGS as TAP_S3_PARQUET
from target_redshift.settings import SETTINGS as TARGET_REDSHIFT
from target_s3_parquet.settings import SETTINGS as TARGET_S3_PARQUET
from tidemark_core.names import TableName
from tidemark_sandbox.world import Sandbox

from anydb.generate.model import Settings, Table

_PATIENCE = 600.0
_NAMED = r"\[table {}(?:\]|, (?:column|key) )"


@dataclass(frozen=True)
class Leg:
    """What one leg did.

    Attributes:
        codes: Exit codes of the tap and the target.
        told: What both wrote to stderr.
        reports: Their reports, by leg.
    """

    codes: tuple[int, int]
    told: str
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)

    def refused(self, tables: Iterable[Table]) -> dict[str, str]:
        """Tables that an error of a report names, with the error."""
        found = {
            entry["table"]: entry["error"]
            for report in self.reports.values()
            for entry in report["tables"]
            if entry["error"]
        }
        whole = "\n".join(report["error"] or "" for report in self.reports.values())
        for table in tables:
            named = re.search(_NAMED.format(re.escape(str(table))), whole)
            if named and str(table) not in found:
                begin = whole.rfind("\n", 0, named.start()) + 1
                found[str(table)] = whole[begin : named.end() + 300].strip()
        return found

    def rows(self, leg: str) -> dict[str, int]:
        """Rows that a leg's report speaks of, by table."""
        tables = self.reports.get(leg, {}).get("tables", [])
        return {entry["table"]: entry["rows"] for entry in tables if entry["rows"]}

    def counted(self, leg: str) -> dict[tuple[str, str, str], int]:
        """Changed values of a leg's report, by table, column and reason."""
        return {
            (entry["table"], column, reason): number
            for entry in self.reports.get(leg, {}).get("tables", [])
            for column, reasons in entry["conversions"].items()
            for reason, number in reasons.items()
        }


class Pipeline:
    """Both legs over one lake, with their states.

    Args:
        root: The project.
        sandbox: Where it runs.
        folder: For configurations, states and reports.
        lake: First folder of the lake in the bucket.
        settings: The operator's.
        tables: Everything that there is to be copied.
    """

    def __init__(
        self, root: Path, sandbox: Sandbox, folder: Path, lake: str, settings: Settings,
        tables: Sequence[Table],
    ) -> None:  # fmt: skip
        self._catalog: dict[str, Any] | None = None
        self._bin = root / ".venv" / "bin"
        self._folder = folder
        self._settings = settings
        self._env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MELTANO_", "TIDEMARK_"))
        } | {
            "TIDEMARK_REPORT_DIR": str(folder / "reports"),
            "GENERATED_PAGE_ROWS": str(settings.page_rows),
            "GENERATED_CHUNK_ROWS": str(settings.chunk_rows),
            "LOG_LEVEL": "WARNING",
        }
        env = sandbox.env()
        lake_settings = {"s3_incremental_path": f"{lake}/incremental/"}
        partitions = {str(t): t.partition for t in tables if t.partition}
        schemas = sorted({table.database for table in tables})
        tap = settings.tap | {"db_schemas": schemas, "backup_temp_dir": str(folder / "files")}
        self._write("tap-mysql", TAP_MYSQL, env, tap)
        self._write(
            "target-s3-parquet", TARGET_S3_PARQUET, env,
            settings.lake | lake_settings | {"s3_partition_columns": partitions},
        )  # fmt: skip
        self._write("tap-s3-parquet", TAP_S3_PARQUET, env, settings.reader | lake_settings)
        given = {"landing_names": {str(t): t.given for t in tables if t.given}}
        warehouse = settings.warehouse | lake_settings | given
        self._write("target-redshift", TARGET_REDSHIFT, env, warehouse)

    def _write(
        self, name: str, known: Sequence[Any], env: dict[str, str], more: dict[str, Any]
    ) -> None:
        given = {s.name: s.convert(env[s.env]) for s in known if env.get(s.env)}
        (self._folder / f"{name}.json").write_text(json.dumps(given | more))

    def _command(self, name: str) -> list[str]:
        program = [str(self._bin / name)]
        if name == "tap-mysql" and (self._settings.page_rows or self._settings.chunk_rows):
            program = [sys.executable, str(Path(__file__).with_name("small_tap.py"))]
        return [*program, "--config", str(self._folder / f"{name}.json")]

    def backup(self, tables: Sequence[Table]) -> Leg:
        """From the server to the lake."""
        self._select(tables)
        catalog = str(self._folder / "catalog.json")
        return self._leg([*self._command("tap-mysql"), "--catalog", catalog], "target-s3-parquet")

    def load(self, tables: Sequence[Table]) -> Leg:
        """From the lake to landing."""
        path = self._folder / "tap-s3-parquet.json"
        chosen = [str(table).replace("[", "[[]") for table in tables]
        path.write_text(json.dumps(json.loads(path.read_text()) | {"s3_tables": chosen}))
        return self._leg(self._command("tap-s3-parquet"), "target-redshift")

    def discover(self) -> dict[str, Any]:
        """What the tap finds in the server.

        Raises:
            AssertionError: It fails.
        """
        found = subprocess.run(
            [*self._command("tap-mysql"), "--discover"], capture_output=True, text=True,
            check=False, env=self._env,
        )  # fmt: skip
        assert not found.returncode, found.stderr
        catalog: dict[str, Any] = json.loads(found.stdout)
        return catalog

    def _select(self, tables: Sequence[Table]) -> None:
        """Writes the catalog: what was first discovered, and what of it is selected now."""
        if self._catalog is None:
            self._catalog = self.discover()
        wanted = {TableName(table.database, table.name).stream: table for table in tables}
        known = {stream["tap_stream_id"] for stream in self._catalog["streams"]}
        assert known >= set(wanted), f"not discovered: {set(wanted) - known}"
        for stream in self._catalog["streams"]:
            (root,) = (entry for entry in stream["metadata"] if not entry["breadcrumb"])
            table = wanted.get(stream["tap_stream_id"])
            root["metadata"]["selected"] = table is not None
            if table is not None:
                key = table.replication_key
                method = {"replication-method": "INCREMENTAL" if key else "FULL_TABLE"}
                root["metadata"] |= method | ({"replication-key": key} if key else {})
                # As Meltano does where discovery has written the same on the stream itself.
                stream |= {"replication_method": method["replication-method"]}
                stream |= {"replication_key": key} if key else {}
        (self._folder / "catalog.json").write_text(json.dumps(self._catalog))

    def _leg(self, tap: Sequence[str], target: str) -> Leg:
        state = self._folder / f"{target}.state.json"
        command = [*tap, "--state", str(state)] if state.exists() else tap
        run = str(uuid.uuid4())
        env = self._env | {"TIDEMARK_RUN_ID": run}
        told = self._folder / "told"
        with told.open("w") as errors, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=env, cwd=self._folder
        ) as first:  # fmt: skip
            second = subprocess.run(
                self._command(target), stdin=first.stdout, stdout=subprocess.PIPE, stderr=errors,
                text=True, timeout=_PATIENCE, check=False, env=env, cwd=self._folder,
            )  # fmt: skip
            assert first.stdout is not None
            first.stdout.close()
            code = first.wait(_PATIENCE)
        if second.stdout.strip():
            state.write_text(second.stdout.splitlines()[-1])
        return Leg((code, second.returncode), told.read_text(), self._reports(run))

    def _reports(self, run: str) -> dict[str, dict[str, Any]]:
        found = (self._folder / "reports").rglob(f"{run}_*.json")
        documents = [json.loads(path.read_text()) for path in found]
        return {document["leg"]: document for document in documents}

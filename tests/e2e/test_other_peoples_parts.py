"""Tidemark's parts among other people's: any of them can be had without the others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tap_s3_parquet.settings import SETTINGS as TAP
from target_redshift.settings import SETTINGS as TARGET
from target_s3_parquet.settings import SETTINGS as LAKE
from tidemark_core.settings import Setting
from tidemark_sandbox.access.clients import Database, target
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.settings.accounts import MYSQL_READER, MYSQL_READER_PASSWORD
from tidemark_sandbox.world import Sandbox

pytestmark = pytest.mark.soak
#: Table → its replication key; None: read in full.
TABLES = {
    "settlement_normal_delivery_detail": "update_at",
    "settlement_claim_detail": "update_at",
    "partner_info": None,
}


@dataclass(frozen=True)
class Parts:
    """Runs plugins as programs, each with a config file.

    Attributes:
        root: The checkout.
        folder: For config files.
        env: The sandbox's variables.
    """

    root: Path
    folder: Path
    env: dict[str, str]

    def config(self, name: str, values: dict[str, Any]) -> Path:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(values))
        path.chmod(0o600)
        return path

    def ours(self, name: str, settings: Sequence[Setting]) -> list[str]:
        """The command line of a plugin of ours."""
        known = {s.name: s.convert(self.env[s.env]) for s in settings if self.env.get(s.env)}
        program = self.root / ".venv" / "bin" / name
        return [str(program), "--config", str(self.config(name, known))]

    def pipe(self, first: Sequence[str], second: Sequence[str]) -> list[str]:
        """Runs two programs as a shell's pipe does; gives the lines that come out."""
        with (
            (self.folder / "first.log").open("w+") as log,
            subprocess.Popen(first, stdout=subprocess.PIPE, stderr=log) as left,
        ):
            right = subprocess.run(
                second, stdin=left.stdout, capture_output=True, text=True, timeout=600, check=False
            )
            assert left.stdout is not None
            left.stdout.close()
            assert left.wait() == 0, Path(log.name).read_text()
        assert right.returncode == 0, right.stderr
        return right.stdout.splitlines()


@pytest.fixture(scope="module")
def parts(sandbox: Sandbox, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    sandbox.seed(3_000, seed=11)
    return Parts(project_root, tmp_path_factory.mktemp("parts"), sandbox.env())


@pytest.fixture(scope="module")
def foreign_tap(
    sandbox: Sandbox, parts: Parts, foreign: Callable[[str], Path]
) -> Iterator[list[str]]:
    """Another tap for MySQL, through a tunnel of its own, as its users run it."""
    program = foreign("pipelinewise-tap-mysql==1.6.0") / "tap-mysql"
    with open_tunnel(sandbox.config, target(sandbox.config, Database.MYSQL)) as tunnel:
        login = {
            "host": "127.0.0.1",
            "port": tunnel.port,
            "user": MYSQL_READER,
            "password": MYSQL_READER_PASSWORD,
            "filter_dbs": "settlement",
            "engine": "mariadb",
        }
        command = [str(program), "--config", str(parts.config("foreign", login))]
        found = subprocess.run(
            [*command, "--discover"], capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stderr
        catalog = json.loads(found.stdout)
        catalog["streams"] = [s for s in catalog["streams"] if s["table_name"] in TABLES]
        for stream in catalog["streams"]:
            key = TABLES[stream["table_name"]]
            (table,) = (m["metadata"] for m in stream["metadata"] if not m["breadcrumb"])
            table["selected"] = True
            table["replication-method"] = "INCREMENTAL" if key else "FULL_TABLE"
            if key:
                table["replication-key"] = key
        yield [*command, "--catalog", str(parts.config("catalog", catalog))]


def _as_the_tap_reads(value: Any, arrived: Any) -> Any:
    """What that tap makes of a value before it sends it.

    Its session speaks MySQL's three-byte utf8, so the server sends a ? for an emoji; and
    TINYINT(1) is a boolean to it.
    """
    if isinstance(arrived, bool):
        return None if value is None else bool(value)
    if not isinstance(value, str):
        return value
    return "".join("?" if ord(character) > 0xFFFF else character for character in value)


def test_another_tap_fills_the_lake_and_the_lake_fills_the_warehouse(
    sandbox: Sandbox, parts: Parts, foreign_tap: list[str]
) -> None:
    states = parts.pipe(foreign_tap, parts.ours("target-s3-parquet", LAKE))
    state = json.loads(states[-1])
    assert {mark.partition("-")[2] for mark in state["bookmarks"]} == set(TABLES)
    parts.pipe(parts.ours("tap-s3-parquet", TAP), parts.ours("target-redshift", TARGET))
    for table in TABLES:
        columns = [row[0] for row in sandbox.mysql(f"SHOW COLUMNS FROM `{table}`")]
        listed = ", ".join(f'"{name}"' for name in columns)
        landed = sandbox.warehouse(f"SELECT {listed} FROM landing.{table} ORDER BY id")
        source = sandbox.mysql(f"SELECT * FROM `{table}` ORDER BY id")
        assert landed
        for theirs, ours in zip(source, landed, strict=True):
            for name, value, arrived in zip(columns, theirs, ours, strict=True):
                assert arrived == _as_the_tap_reads(value, arrived), f"{table}.{name}"

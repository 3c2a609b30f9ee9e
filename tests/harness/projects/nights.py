"""A project as its night sees it: the checkout, an env file, and folders of its own to write to.

A pytest plugin, for the night that has been synced once.
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from sessions.worlds import SEEDED, Worlds
from tidemark_sandbox.world import Sandbox


@dataclass
class Night:
    """What an operator has set up: settings, logs, alerts, and a lake of its own in the sandbox.

    Attributes:
        root: The checkout.
        folder: Everything that runs write on disk.
        settings: Variables of the env file.
    """

    root: Path
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def env_file(self) -> Path:
        path = self.folder / "prod.env"
        path.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        path.chmod(0o600)
        return path

    @property
    def run_job(self) -> str:
        return str(self.root / "orchestrate" / "cron" / "run-job")

    def start(self, command: Sequence[str], **environ: str) -> subprocess.Popen[str]:
        """Starts a command with nothing in its environment but what is given."""
        return subprocess.Popen(
            command,
            cwd="/",
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: Sequence[str], **environ: str) -> subprocess.CompletedProcess[str]:
        with self.start(command, **environ) as process:
            try:
                output, _ = process.communicate(timeout=600)
            except BaseException:
                process.terminate()
                raise
        return subprocess.CompletedProcess(command, process.returncode, output)

    def job(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run([self.run_job, "--env-file", str(self.env_file), *words])

    def meltano(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs Meltano as somebody types it, in the checkout."""
        program = str(self.root / ".venv/bin/meltano")
        typed = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(self.root), program, *words]
        own = {"PATH": os.environ["PATH"], "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"}
        return self.run(typed, **own, **self.settings, **environ)

    def tidemark(self, *words: str) -> subprocess.CompletedProcess[str]:
        program = str(self.root / ".venv/bin/tidemark")
        own = {"PATH": os.environ["PATH"], "MELTANO_PROJECT_ROOT": str(self.root)}
        return self.run([program, *words], **own, **self.settings)

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """Every alert so far, in order."""
        path = self.folder / "alerts"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def log(self, job: str) -> list[dict[str, Any]]:
        """The last run's log."""
        path = self.folder / "logs" / job / "latest.log"
        return [json.loads(line) for line in path.read_text().splitlines()]

    @property
    def _root(self) -> str:
        return self.settings["S3_INCREMENTAL_PATH"].removesuffix("incremental/")

    def objects(self, folder: str = "") -> set[str]:
        """Keys of this lake below one of its folders."""
        found = s3_keys(self.settings, self._root + folder)
        return {key.removeprefix(self._root) for key in found}

    def body(self, key: str) -> bytes:
        """What is in one of them."""
        env = self.settings
        answer = s3_client(env).get_object(Bucket=env["S3_BUCKET_NAME"], Key=self._root + key)
        return bytes(answer["Body"].read())

    def put(self, key: str, body: bytes) -> None:
        """Puts something into it, over what is there."""
        s3_client(self.settings).put_object(
            Bucket=self.settings["S3_BUCKET_NAME"], Key=self._root + key, Body=body
        )

    def remove(self, key: str) -> None:
        s3_client(self.settings).delete_object(
            Bucket=self.settings["S3_BUCKET_NAME"], Key=self._root + key
        )

    def manifests(self) -> list[dict[str, Any]]:
        """Everything that was committed."""
        return [json.loads(self.body(key)) for key in sorted(self.objects("manifests/"))]

    def files_with(self, words: set[str]) -> list[Path]:
        """What runs wrote on disk with one of these words in it."""
        return [
            path
            for path in self.folder.rglob("*")
            if path.is_file() and path.name != "prod.env" and has(path.read_bytes(), words)
        ]

    def objects_with(self, words: set[str], besides: str = "?") -> list[str]:
        """Keys of objects with one of these words in them, those of one folder left out."""
        keys = [key for key in self.objects() if not key.startswith(besides)]
        return [key for key in keys if has(self.body(key), words)]


def has(body: bytes, words: set[str]) -> bool:
    text = body.decode(errors="replace")
    return any(word in text for word in words)


def s3_client(env: Mapping[str, str]) -> Any:
    names = ("S3_ENDPOINT_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_REGION")
    return _client(*(env[name] for name in names))


@cache  # one is made in the time of several requests
def _client(endpoint: str, key: str, secret: str, region: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name=region,
    )


def s3_keys(env: Mapping[str, str], prefix: str) -> set[str]:
    client = s3_client(env)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=env["S3_BUCKET_NAME"], Prefix=prefix
    )
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def new_night(sandbox: Sandbox, root: Path, folder: Path, lake: str | None = None) -> Night:
    lake = lake or f"night-{uuid.uuid4()}"
    command = folder / "alert"
    command.write_text(f"#!/bin/sh\ncat >> {folder}/alerts\necho >> {folder}/alerts\n")
    command.chmod(0o700)
    (folder / "tmp").mkdir(exist_ok=True)
    settings = sandbox.env() | {
        "MELTANO_ENVIRONMENT": "prod",
        "S3_INCREMENTAL_PATH": f"{lake}/incremental/",
        "S3_HIGH_WATERMARK_KEY": f"{lake}/watermark/x",
        "MELTANO_SYS_DIR_ROOT": str(folder / "sys"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "dbt-logs"),
        "LOG_DIR": str(folder / "logs"),
        "DOCS_DIR": str(folder / "docs"),
        "TMPDIR": str(folder / "tmp"),
        "ALERT_COMMAND": str(command),
    }
    return Night(root, folder, settings)


@pytest.fixture(scope="module")
def synced(worlds: Worlds, project_root: Path) -> Iterator[tuple[Sandbox, Night]]:
    """A world and its night after a first ``meltano run sync`` that went well."""

    def sync(world: Sandbox, folder: Path) -> None:
        done = new_night(world, project_root, folder, "synced").meltano("run", "sync")
        assert done.returncode == 0, done.stdout

    with worlds.running(SEEDED, ("synced", sync)) as (world, folder):
        yield world, new_night(world, project_root, folder, "synced")

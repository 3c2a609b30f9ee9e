"""Servers to calibrate with: the stand-in, and PostgreSQL without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from redshift_stand_in.calibrate.asking.session import Target
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.context import S3Settings
from redshift_stand_in.postgres.cluster import PORT

from tests.redshift_stand_in.calibrate.relay import relay
from tests.redshift_stand_in.conftest import BUCKET, DATABASE, KEYS, PASSWORD

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import World

ROLE = "arn:aws:iam::000000000000:role/copy"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the machine of whoever calibrates."""
    for name, value in {**KEYS, "REDSHIFT_PASSWORD": PASSWORD, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def stand_in(world: World) -> Target:
    return Target("127.0.0.1", world.tcp_port, DATABASE, "admin", PASSWORD, tls=False)


@pytest.fixture
def storage(world: World) -> Storage:
    return Storage(S3Settings(world.s3_url), BUCKET, "calibrations", ROLE)


@pytest.fixture
def plain_postgres(world: World) -> Iterator[Target]:
    """A database without the catalogue, and no front before it."""
    superuser = world.superuser().cursor()
    superuser.execute("create database plain template template0 owner admin")
    try:
        with relay(world.folder / "pg" / f".s.PGSQL.{PORT}") as port:
            yield Target("127.0.0.1", port, "plain", "admin", PASSWORD, tls=False)
    finally:
        superuser.execute("drop database plain with (force)")

"""Who gets into the sandbox, by which way, and what they may there."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import boto3
import pymysql
import pytest
from botocore.config import Config as BotoConfig
from botocore.exceptions import ClientError
from tidemark_sandbox.access.clients import Database, target
from tidemark_sandbox.access.ssh import ssh_command
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import HOST
from tidemark_sandbox.settings.accounts import BUCKET, WAREHOUSE_PASSWORDS
from tidemark_sandbox.world import Sandbox


def test_the_reader_comes_through_the_bastion_and_may_only_read(world: Sandbox) -> None:
    env = world.env()
    world.mysql("CREATE OR REPLACE TABLE readable (a INT)")
    with open_tunnel(world.config, Path(env["DB_HOST"])) as tunnel:
        connection = pymysql.connect(
            host=HOST,
            port=tunnel.port,
            user=env["DB_USER"],
            password=env["DB_PASSWORD"],
            database=env["DB_DATABASE"],
        )
        with contextlib.closing(connection), connection.cursor() as cursor:
            assert cursor.execute("SELECT * FROM readable") == 0
            cursor.execute("SELECT COUNT(*) FROM information_schema.columns")
            for denied in ("INSERT INTO readable VALUES (1)", "SELECT * FROM mysql.user"):
                with pytest.raises(pymysql.err.OperationalError, match="denied"):
                    cursor.execute(denied)
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            pymysql.connect(host=HOST, port=tunnel.port, user=env["DB_USER"], password="wrong")


def test_the_bastion_gives_nobody_a_shell(world: Sandbox) -> None:
    result = subprocess.run(
        ssh_command(world.config, "-T"), input="id\n", capture_output=True, text=True, timeout=10
    )
    assert "uid=" not in result.stdout


def test_a_bastion_with_another_host_key_is_refused(world: Sandbox, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    known = world.config.known_hosts.read_text()
    other = (tmp_path / "key.pub").read_text().split()[:2]
    try:
        world.config.known_hosts.write_text(f"{known.split()[0]} {' '.join(other)}\n")
        with (
            pytest.raises(SandboxError, match="REMOTE HOST IDENTIFICATION HAS CHANGED"),
            open_tunnel(world.config, target(world.config, Database.MYSQL)),
        ):
            pass
    finally:
        world.config.known_hosts.write_text(known)


def test_keys_are_private_files(world: Sandbox) -> None:
    for key in (world.config.client_key, world.config.dir / "bastion" / "host_key"):
        assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("key", "secret"), [("right", "wrong"), ("wrong", "right")])
def test_s3_checks_key_and_secret(world: Sandbox, key: str, secret: str) -> None:
    env = world.env()
    client = boto3.client(
        "s3",
        endpoint_url=env["S3_ENDPOINT_URL"],
        region_name=env["S3_REGION"],
        aws_access_key_id=env["S3_ACCESS_KEY"] if key == "right" else "wrong",
        aws_secret_access_key=env["S3_SECRET_KEY"] if secret == "right" else "wrong",
        config=BotoConfig(retries={"max_attempts": 0}),
    )
    with contextlib.closing(client), pytest.raises(ClientError) as refused:
        client.list_objects_v2(Bucket=BUCKET)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize("user", WAREHOUSE_PASSWORDS)
def test_every_warehouse_user_gets_in(world: Sandbox, user: str) -> None:
    assert world.warehouse("SELECT current_user", user=user) == [(user,)]


def test_the_administrator_can_do_what_the_scripts_need_and_is_no_superuser_of_postgresql(
    world: Sandbox,
) -> None:
    """To the warehouse he is one, as on Redshift; PostgreSQL's could read this machine's files."""
    (row,) = world.warehouse("SELECT usesuper, usecreatedb FROM pg_user WHERE usename = 'awsuser'")
    assert row[0] is True
    supers = world.postgres.query("SELECT rolname FROM pg_roles WHERE rolsuper")
    assert "awsuser" not in supers.split()
    world.warehouse("CREATE SCHEMA IF NOT EXISTS made_here")
    world.warehouse("DROP SCHEMA made_here")

"""The operator's pages work as printed, by an account of its own that has the product alone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from projects.machines import Machine, Terminal
from projects.pages import HOST, ROOT, RUNBOOK, Block, assigned, fenced
from sessions.worlds import SEEDED, Worlds
from tap_mysql.source.settings import MySQLSettings
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.objects import list_keys
from tidemark_core.s3.settings import S3Settings
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

VIEW = "settlement_latest_delivery_status"
CLAIMS = "settlement_claim_detail"
WATERMARK = "2025-08-09 20:00:01"
#: What somebody types into the file that the page opens; his key is his alone, as ssh wants it.
EDITOR = """#!/bin/bash
install -m 600 /srv/given/client_key /opt/tidemark/.key
cp /srv/given/prod.env "$1"
"""


def filled_in(example: str, values: Mapping[str, str], *, defaults: bool) -> str:
    """The example with some values; every other line as it is, or with nothing behind its =."""
    left = dict(values)

    def fill(match: re.Match[str]) -> str:
        name, default = match.groups()
        return f"{name}={left.pop(name, default if defaults else '')}"

    text = re.sub(r"^([A-Z0-9_]+)=(.*)$", fill, example, flags=re.M)
    assert left == {}, "the example has every variable"
    return text


@dataclass
class Host:
    """A host of production.

    Attributes:
        machine: Where.
        said: What was printed while it was installed.
    """

    machine: Machine
    said: str = ""

    def given(
        self, world: Sandbox, others: Mapping[str, str] | None = None, *, defaults: bool = True
    ) -> None:
        """Writes what the operator is given: settings, and the files of a world that they name."""
        folder = self.machine.folder / "srv" / "given"
        folder.mkdir(exist_ok=True)
        values = dict(world.env())
        for name, path in values.items():
            if name.endswith(("KEY_PATH", "KNOWN_HOSTS", "_CA", "ROOT_CERT")) and path:
                copy = folder / Path(path).name
                copy.write_bytes(Path(path).read_bytes())
                key = name.endswith("KEY_PATH")
                values[name] = "/opt/tidemark/.key" if key else f"/srv/given/{copy.name}"
        example = (ROOT / ".env.example").read_text()
        values |= others or {}
        (folder / "prod.env").write_text(filled_in(example, values, defaults=defaults))

    def operator(
        self, world: Sandbox, others: Mapping[str, str] | None = None, *, defaults: bool = True
    ) -> Terminal:
        """A terminal of the account, in the project, whose settings lead to a world."""
        self.given(world, others, defaults=defaults)
        terminal = self.machine.terminal("tidemark", "/opt/tidemark")
        terminal.type("editor .env\nsource .venv/bin/activate")
        return terminal


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> Iterator[Sandbox]:
    """What the host is installed for, with a database to restore to."""
    with worlds.running(SEEDED) as (world, _):
        world.mysql("CREATE DATABASE recovery")
        world.mysql("CREATE USER recovery IDENTIFIED BY 'recovery'")
        world.mysql("GRANT ALL ON recovery.* TO recovery")
        yield world


@pytest.fixture(scope="module")
def host(machine: Machine, fork: str, world: Sandbox) -> Host:
    """A host on which an administrator has typed what docs/operating.md begins with."""
    host = Host(machine)
    host.given(world)
    machine.program("srv/bin/editor", EDITOR)
    blocks = "\n".join(block.text for block in assigned(HOST))
    assert blocks.count("<your fork>") == 1
    assert " editor .env" in blocks
    host.said = machine.root.type(blocks.replace("<your fork>", fork))
    return host


@pytest.mark.soak
def test_a_host_is_installed_as_printed(host: Host) -> None:
    """On a machine without the account, in an /opt that is empty; root alone installs packages."""
    assert "readable only by its owner" in host.said
    assert "COPY reads the bucket" in host.said
    folder = host.machine.folder
    assert not (folder / "opt/tidemark/.venv/bin/tidemark-sandbox").exists()
    enabled = (folder / "etc/systemd/system/timers.target.wants").glob("tidemark@*")
    jobs = sorted(unit.name for unit in enabled)
    assert jobs == [f"tidemark@{job}.timer" for job in ("docs", "maintain", "sync", "verify")]
    # A link to a file of that machine.
    wanted = folder / "etc/systemd/system/multi-user.target.wants/tidemark-follow.service"
    assert wanted.is_symlink()


@pytest.mark.soak
@pytest.mark.parametrize("defaults", [True, False], ids=["as it is", "every default emptied"])
def test_the_example_filled_in_runs_there(defaults: bool, host: Host, world: Sandbox) -> None:
    """The job of the night and the site's, as cron starts them."""
    host.operator(world, defaults=defaults)
    for job in ("sync", "docs"):
        cron = host.machine.terminal("tidemark", "/opt/tidemark")
        assert cron.type(f"cd / && /opt/tidemark/orchestrate/cron/run-job {job}") == ""
    ((parcels,),) = world.warehouse(f"SELECT count(*) FROM public.{VIEW}", user="tidemark_analyst")
    ((known,),) = world.mysql(
        "SELECT count(DISTINCT ant_parcel_no) FROM settlement_normal_delivery_detail"
    )
    assert parcels == known > 0
    site = host.machine.folder / "opt/tidemark/output/docs/index.html"
    assert site.stat().st_size > 100_000


def test_a_replicas_rights_are_granted_as_printed(sandbox: Sandbox, printed: list[Block]) -> None:
    """MariaDB knows MySQL's right by its name too."""
    sandbox.mysql("CREATE USER IF NOT EXISTS 'tidemark'@'%'")
    for line in "".join(block.text for block in printed).splitlines():
        sandbox.mysql(line)
    ((granted,),) = sandbox.mysql("SHOW GRANTS FOR 'tidemark'@'%'")
    assert "REPLICA" in granted or "SLAVE" in granted
    sandbox.mysql("DROP USER 'tidemark'@'%'")


@pytest.fixture
def recovery(world: Sandbox) -> Iterator[str]:
    """The URL of an empty database, as docs/runbooks/disaster-recovery.md wants it."""
    settings = read(MySQLSettings, {}, world.env())
    with open_endpoint(settings.bastion, settings.db_host, 3306, local_port=0) as endpoint:
        yield f"mysql://recovery:recovery@127.0.0.1:{endpoint.port}/recovery"


@pytest.fixture
def authorized(world: Sandbox) -> Iterator[Path]:
    """The file of the keys that the bastion's administrator lets in; afterwards as it was."""
    file = world.parts["bastion"].folder / "authorized_keys"
    before = file.read_text()
    yield file
    file.write_text(before)


@pytest.mark.soak
@pytest.mark.parametrize("page", sorted({block.page for block in assigned(RUNBOOK)}))
def test_a_runbook_works_as_printed(
    page: str, host: Host, world: Sandbox, recovery: str, authorized: Path, printed: list[Block]
) -> None:
    operator = host.operator(world)
    operator.type(f"export RECOVERY_URL={recovery}\ntidemark sync -t partner_info")
    for block in printed:
        if block.page != page:
            continue
        operator.type(block.text)
        if block.text.startswith("ssh-keygen"):  # then "the administrator adds the public key"
            key = (host.machine.folder / "opt/tidemark/new_key.pub").read_text()
            both = f"{authorized.read_text()}restrict,port-forwarding {key}"
            authorized.write_text(both)
            operator.type("export NEW_KEY=$PWD/new_key")
        elif block.text.startswith("SSH_BASTION_KEY_PATH="):  # then "put it into `.env`"
            operator.type('sed -i "s|_KEY_PATH=.*|_KEY_PATH=$NEW_KEY|" .env')
            authorized.write_text(both.splitlines()[-1] + "\n")


def leave_what_the_old_tool_left(world: Sandbox, location: S3Location) -> str:
    """Its file, its watermark, and its table: one row short, with one that MySQL has no more.

    Returns:
        The file's key.
    """
    rows = world.mysql(f"SELECT ID, total, update_at FROM {CLAIMS} ORDER BY ID")
    lost = [(900_001, *rows[0][1:]), *rows[1:]]
    sink = io.BytesIO()
    names = ("ID", "total", "update_at")
    pq.write_table(pa.table({n: [row[i] for row in lost] for i, n in enumerate(names)}), sink)
    folder = f"incremental/settlement.{CLAIMS}/year=2025/month=07/day=28/hour=20"
    key = f"{folder}/2025-07-28_20-12-03_batch_0001.parquet"
    client, mark = location.client(), "watermark/last_run_timestamp.txt"
    client.put_object(Bucket=location.bucket, Key=key, Body=sink.getvalue())
    client.put_object(Bucket=location.bucket, Key=mark, Body=WATERMARK.encode())
    world.warehouse(
        f"CREATE TABLE public.{CLAIMS} (id BIGINT, total DECIMAL(15,4), update_at TIMESTAMP)"
    )
    values = ", ".join(f"({n}, {total}, '{moment}')" for n, total, moment in lost)
    world.warehouse(f"INSERT INTO public.{CLAIMS} VALUES {values}")
    return key


@pytest.mark.soak
def test_the_old_tool_is_taken_over_as_printed(
    host: Host, worlds: Worlds, printed: list[Block]
) -> None:
    """The operator types the commands; an administrator of the warehouse, the SQL."""
    with worlds.running(SEEDED) as (world, _):
        location = S3Location.of(read(S3Settings, {}, world.env()))
        old_file = leave_what_the_old_tool_left(world, location)
        settings = [block for block in fenced(printed[0].page) if block.kind == ""]
        lines = "".join(block.text for block in settings).splitlines()
        operator = host.operator(world, dict(line.split("=", 1) for line in lines))
        operator.type(f"export OLD_WATERMARK='{WATERMARK}'")
        compared: list[tuple[Any, ...]] = []
        for block in printed:
            if block.kind == "sql":
                for statement in filter(str.strip, block.text.split(";")):
                    found = world.warehouse(statement)
                    compared += found if statement.startswith("SELECT") else []
            else:
                operator.type(block.text)
        *counts, gone = compared
        assert dict(counts) == {"only old": 1, "only new": 1}
        assert gone[0] == 900_001
        assert old_file in {e["Key"] for e in list_keys(location.client(), location.bucket, "")}
        ((source,),) = world.mysql(f"SELECT count(*) FROM {CLAIMS}")
        ((new,),) = world.warehouse(f"SELECT count(*) FROM public.{CLAIMS}")
        ((old,),) = world.warehouse(f"SELECT count(*) FROM public.{CLAIMS}_old")
        assert (new, old) == (source, source)
        left = "SELECT count(*) FROM svv_tables WHERE table_schema LIKE 'tidemark_trial%'"
        assert world.warehouse(left) == [(0,)]


#: A database as anybody may have one.
CRM = (
    "CREATE DATABASE crm",
    "CREATE TABLE crm.customer (id INT PRIMARY KEY, name VARCHAR(20), changed TIMESTAMP NOT NULL "
    "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)",
    "INSERT INTO crm.customer (id, name) VALUES (1, 'Anna'), (2, 'Bob')",
    "CREATE TABLE crm.country (code CHAR(2) PRIMARY KEY, name VARCHAR(30))",
    "INSERT INTO crm.country VALUES ('de', 'Deutschland')",
)


@pytest.mark.soak
def test_somebody_elses_database_is_copied_as_printed(
    host: Host, fork: str, world: Sandbox, printed: list[Block]
) -> None:
    """In a folder beside the host's, with a lake of its own."""
    for statement in CRM:
        world.mysql(statement)
    own = {"S3_INCREMENTAL_PATH": "crm/incremental/", "S3_HIGH_WATERMARK_KEY": "crm/watermark/x"}
    own |= {"DB_USER": "tidemark", "DB_PASSWORD": "choose-a-password", "DB_DATABASE": "crm"}
    host.given(world, own)
    author = {f"GIT_{who}_{what}": "anna@example.com" for who in ("AUTHOR", "COMMITTER")
              for what in ("NAME", "EMAIL")}  # fmt: skip
    terminal = host.machine.terminal("tidemark", "/opt/tidemark", **author)
    said = ""
    for block in printed:
        if block.kind == "sql":
            for statement in block.text.strip().split(";\n"):
                world.mysql(statement.rstrip(";").replace("'%'", "'localhost'"))
        else:
            said += terminal.type(block.text.replace("<your fork>", fork))
        if block.text.startswith("git add"):
            world.mysql("ALTER TABLE crm.customer ADD COLUMN born DATE")
    assert re.search(r"crm\.customer +INCREMENTAL by changed", said)
    assert re.search(r"crm\.country +LOG_BASED", said)
    assert "new column born" in said
    assert "landing.customer" in said
    ((names,),) = world.warehouse("SELECT count(*) FROM public.customer WHERE name IS NOT NULL")
    assert names == 2

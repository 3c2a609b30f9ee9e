"""The night, as cron and systemd start it: in the order of a life."""

from __future__ import annotations

import configparser
import os
import shlex
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from tidemark_core.lake import LakeLayout
from tidemark_core.lease import Lease
from tidemark_core.logs import Event
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from conftest import Night

HOME = "/opt/tidemark"
#: What cron gives (crontab(5)), and what systemd gives a system service (systemd.exec(5)).
CRON = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": "/", "LOGNAME": "x"}
SYSTEMD = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


def units(root: Path) -> list[Path]:
    return sorted((root / "orchestrate" / "systemd").iterdir())


def cron_commands(root: Path) -> list[str]:
    """The commands of the example, without their times."""
    lines = (root / "orchestrate/cron/crontab.example").read_text().splitlines()
    return [line.split(None, 5)[5] for line in lines if line[:1].isdigit() or line[:1] == "*"]


def service(root: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(root / "orchestrate/systemd/tidemark@.service")
    return parser["Service"]


def test_cron_runs_everything_and_says_nothing(night: Night) -> None:
    command = next(c for c in cron_commands(night.root) if c.endswith(" sync"))
    command = command.replace(HOME, str(night.root))
    command = command.replace("run-job", f"run-job --env-file {night.env_file}")
    done = night.run(["/bin/sh", "-c", command], **CRON)
    assert done.returncode == 0, done.stdout
    assert done.stdout == "", "cron would mail it"
    assert night.alerts == []
    assert night.objects("manifests/")
    assert not night.objects("staging/")


def test_its_log_has_the_events_with_one_run_id(night: Night) -> None:
    log = night.log("sync")
    run_ids = {line["run_id"] for line in log if "run_id" in line}
    assert len(run_ids) == 1
    for line in log:
        assert {"event", "level", "timestamp"} <= line.keys()
        assert line["timestamp"].endswith("Z")
    seen = {line["event"] for line in log}
    missing = {event.value for event in Event} - seen
    assert not missing
    files = (night.folder / "logs" / "sync").iterdir()
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if not path.is_symlink()} == {0o600}


def test_every_command_of_the_example_is_a_job(night: Night) -> None:
    for command in cron_commands(night.root):
        job = shlex.split(command)[1]
        done = subprocess.run(
            [night.root / ".venv/bin/meltano", "job", "list", job],
            cwd=night.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_systemd_finds_nothing_wrong_with_the_units(night: Night, tmp_path: Path) -> None:
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    for unit in units(night.root):
        text = unit.read_text().replace(HOME, str(night.root))
        name = unit.name.replace("@.", "@sync.")
        (tmp_path / name).write_text(text.replace("User=tidemark", f"User={user}"))
    paths = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_service_is_hardened(night: Night) -> None:
    settings = service(night.root)
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID"):
        assert settings[name] == "yes"
    assert settings["ProtectSystem"] == "strict"
    assert settings["CapabilityBoundingSet"] == ""


def test_systemd_runs_a_job_with_the_project_read_only(night: Night) -> None:
    words = shlex.split(service(night.root)["ExecStart"].replace(HOME, str(night.root)))
    words = [word.replace("%i", "backup") for word in words]
    words[1:1] = ["--env-file", str(night.env_file)]
    if os.geteuid() == 0:
        # What ProtectSystem=strict does to it.
        mounts = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        words = ["unshare", "-m", "sh", "-c", mounts, str(night.root), *words]
    done = night.run(words, **SYSTEMD)
    assert done.returncode == 0, done.stdout
    assert done.stdout == ""


@pytest.mark.fault(22)
def test_a_second_run_on_another_machine_says_who_holds_the_lease(night: Night) -> None:
    env = night.settings
    client = boto3.client(
        "s3",
        endpoint_url=env["S3_ENDPOINT_URL"],
        aws_access_key_id=env["S3_ACCESS_KEY"],
        aws_secret_access_key=env["S3_SECRET_KEY"],
        region_name=env["S3_REGION"],
    )
    key = LakeLayout(env["S3_INCREMENTAL_PATH"]).job_lease_key()
    before = night.objects("manifests/")
    with Lease.acquire(client, env["S3_BUCKET_NAME"], key, owner="run-job sync, run 0b5c"):
        done = night.job("backup")
    assert done.returncode == 4
    assert "run-job sync, run 0b5c" in done.stdout
    assert f"pid {os.getpid()}" in done.stdout
    (alert,) = night.alerts
    assert alert["cause"]["kind"] == "LeaseError"
    assert night.objects("manifests/") == before
    assert night.job("backup").returncode == 0
    assert [alert["kind"] for alert in night.alerts] == ["failed", "recovered"]


@pytest.mark.fault(22)
def test_two_runs_at_once_one_works_and_one_tells_of_it(night: Night) -> None:
    other = dict(night.settings, MELTANO_SYS_DIR_ROOT=str(night.folder / "sys-of-another-machine"))
    command = [night.run_job, "--env-file", str(night.env_file), "backup"]
    first = night.start(command)
    second = night.start([night.run_job, "backup"], **other)
    outputs = [process.communicate(timeout=240)[0] for process in (first, second)]
    codes = [process.returncode for process in (first, second)]
    assert sorted(codes) == [0, 4], outputs
    assert "run-job backup, run" in outputs[codes.index(4)]


def tunnels(port: str) -> list[int]:
    """Processes of ssh that hold a tunnel through this bastion."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"ssh" and b"-L" in words and port.encode() in words:
            found.append(int(path.parent.name))
    return found


@pytest.mark.fault(25)
def test_sigterm_leaves_a_consistent_state_and_no_tunnel(night: Night, world: Sandbox) -> None:
    world.change(200, seed=11)
    process = night.start([night.run_job, "--env-file", str(night.env_file), "backup"])
    deadline = time.monotonic() + 60
    while not tunnels(night.settings["SSH_BASTION_PORT"]):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143, output
    assert tunnels(night.settings["SSH_BASTION_PORT"]) == []
    assert night.alerts[-1]["kind"] == "failed"
    assert "told to end" in night.alerts[-1]["text"]
    assert night.job("backup").returncode == 0, "and the next run needs no hand"
    assert night.alerts[-1]["kind"] == "recovered"


@pytest.mark.security(21)
def test_an_env_file_that_others_can_read_is_refused_and_told(night: Night) -> None:
    night.env_file.chmod(0o644)
    command = [night.run_job, "--env-file", str(night.folder / "prod.env"), "sync"]
    alert = {"ALERT_COMMAND": night.settings["ALERT_COMMAND"]}
    done = night.run(command, **alert, MELTANO_SYS_DIR_ROOT=str(night.folder / "refused"))
    assert done.returncode == 2
    assert "mode 0644" in done.stdout
    assert "chmod 600" in done.stdout
    assert night.alerts[-1]["cause"]["kind"] == "ConfigError"


@pytest.mark.security(21)
def test_git_ignores_env_files(project_root: Path) -> None:
    done = subprocess.run(
        ["git", "check-ignore", ".env", "sub/.env"], cwd=project_root, check=False
    )
    assert done.returncode == 0


@pytest.mark.fault(103)
@pytest.mark.fault(105)
def test_when_dbt_fails_landing_is_kept_and_build_alone_finishes(
    night: Night, world: Sandbox
) -> None:
    world.change(20, seed=12)
    changed = "SELECT count(*) FROM landing.tidemark_loads"
    ((loads,),) = world.warehouse(changed)
    working = night.settings["REDSHIFT_DBT_PASSWORD"]
    night.settings["REDSHIFT_DBT_PASSWORD"] = "wrong-password"
    done = night.job("sync")
    assert done.returncode == 1, done.stdout
    assert "tidemark_transformer" in done.stdout or "password" in done.stdout
    assert night.alerts[-1]["kind"] == "failed"
    ((now,),) = world.warehouse(changed)
    assert now > loads
    night.settings["REDSHIFT_DBT_PASSWORD"] = working
    done = night.job("build")
    assert done.returncode == 0, done.stdout
    verified = night.run(
        [str(night.root / ".venv/bin/tidemark"), "verify"],
        **night.settings,
        PATH=os.environ["PATH"],
        MELTANO_PROJECT_ROOT=str(night.root),
    )
    assert verified.returncode == 0, verified.stdout

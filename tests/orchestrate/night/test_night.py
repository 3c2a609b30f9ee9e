"""The night, as cron and systemd start it: in the order of a life."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from projects.nights import s3_client
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.logs import FIELDS, Event
from tidemark_core.s3.lease import Lease

if TYPE_CHECKING:
    from projects.nights import Night

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


def service(root: Path, name: str = "tidemark@.service") -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(root / "orchestrate/systemd" / name)
    return parser["Service"]


def test_cron_runs_everything_and_says_nothing(night: Night) -> None:
    command = next(c for c in cron_commands(night.root) if c.endswith(" sync"))
    command = command.replace(HOME, str(night.root))
    command = command.replace("run-job", f"run-job --env-file {night.env_file}")
    # With progress for the smallest table too, for the test of the log.
    done = night.run(["/bin/sh", "-c", command], **CRON, LOG_PROGRESS_SECONDS="0")
    assert done.returncode == 0, done.stdout
    assert done.stdout == "", "cron would mail it"
    assert night.alerts == []
    assert night.objects("manifests/")
    assert not night.objects("staging/")


def test_its_log_has_the_events_with_their_fields_and_one_run_id(night: Night) -> None:
    log = night.log("sync")
    run_ids = {line["run_id"] for line in log if "run_id" in line}
    assert len(run_ids) == 1
    for line in log:
        assert {"event", "level", "timestamp"} <= line.keys()
        assert line["timestamp"].endswith("Z")
    seen = {line["event"] for line in log}
    missing = {event.value for event in Event} - seen
    assert missing == {Event.LEG_FAILED, Event.ROUND_COMPLETED}, "of which a follower tells"
    for event, fields in FIELDS.items():
        for line in (line for line in log if line["event"] == event.value):
            assert fields | {"run_id", "plugin_logger"} <= line.keys(), line
    files = (night.folder / "logs" / "sync").iterdir()
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if not path.is_symlink()} == {0o600}


def test_every_command_of_the_example_is_a_job(night: Night) -> None:
    done = subprocess.run(
        [night.root / ".venv/bin/meltano", "job", "list", "--format", "json"],
        cwd=night.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    jobs = {job["job_name"]: job["tasks"] for job in json.loads(done.stdout)["jobs"]}
    asked = [shlex.split(command)[1] for command in cron_commands(night.root)]
    assert asked
    assert all(map(jobs.get, asked)), (asked, jobs)


def test_systemd_finds_nothing_wrong_with_the_units(night: Night, tmp_path: Path) -> None:
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    timers = [unit for unit in units(night.root) if unit.suffix == ".timer"]
    assert len(timers) == 4
    for unit in units(night.root):
        text = unit.read_text().replace(HOME, str(night.root))
        jobs = ["sync"] if "@." not in unit.name else [t.stem.partition("@")[2] for t in timers]
        for job in jobs:
            name = unit.name.replace("@.", f"@{job}.")
            (tmp_path / name).write_text(text.replace("User=tidemark", f"User={user}"))
    paths = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_cron_systemd_and_meltano_run_the_same_jobs_at_the_same_times(night: Night) -> None:
    document = yaml.safe_load((night.root / "orchestrate/jobs.meltano.yml").read_text())
    meltano = {entry["job"]: entry["interval"] for entry in document["schedules"]}
    lines = (night.root / "orchestrate/cron/crontab.example").read_text().splitlines()
    entries = [line.split(None, 5) for line in lines if line[:1].isdigit()]
    assert {words[5].split()[1]: " ".join(words[:5]) for words in entries} == meltano
    timers = {}
    for unit in units(night.root):
        if found := re.search(
            r"^OnCalendar=(Sun )?\*-\*-\* (\d\d):(\d\d):00 UTC$", unit.read_text(), re.M
        ):
            day = "0" if found[1] else "*"
            job = unit.stem.partition("@")[2]
            timers[job] = f"{int(found[3])} {int(found[2])} * * {day}"
    assert timers == meltano


@pytest.mark.parametrize("name", ["tidemark@.service", "tidemark-follow.service"])
def test_the_service_is_hardened(night: Night, name: str) -> None:
    exposed = subprocess.run(
        [
            "systemd-analyze", "security", "--offline=true", "--threshold=17", "--no-pager",
            str(night.root / "orchestrate/systemd" / name),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert exposed.returncode == 0, exposed.stdout[-200:]
    settings = service(night.root, name)
    for setting in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID"):
        assert settings[setting] == "yes"
    assert settings["ProtectSystem"] == "strict"
    assert settings["ProtectProc"] == "invisible"
    assert settings["LimitCORE"] == "0", "a core would hold passwords"
    assert settings["CapabilityBoundingSet"] == ""


def test_the_follower_is_ended_and_begun_again_as_its_exit_codes_say(night: Night) -> None:
    settings = service(night.root, "tidemark-follow.service")
    words = shlex.split(settings["ExecStart"].replace(HOME, str(night.root)))
    assert Path(words[0]).is_file()
    assert words[1:] == ["follow", "--every", "30s"]
    told = (settings["Restart"], settings["RestartPreventExitStatus"])
    assert told == ("always", "2"), "a wrong setting stays wrong; who holds the lease may go"
    assert settings["SuccessExitStatus"] == "143"
    assert settings["KillMode"] == "mixed"
    unit = night.root / "orchestrate/systemd/tidemark-follow.service"
    assert "\n[Install]\nWantedBy=multi-user.target\n" in unit.read_text()


@pytest.mark.parametrize(
    "job",
    ["maintain", *(pytest.param(job, marks=pytest.mark.soak) for job in ("backup", "docs"))],
)
def test_systemd_runs_a_job_with_the_project_read_only(night: Night, job: str) -> None:
    unit = (night.root / "orchestrate/systemd/tidemark@.service").read_text()
    for name in ("MELTANO_SYS_DIR_ROOT", "LOG_DIR", "DBT_TARGET_PATH", "DBT_LOG_PATH", "DOCS_DIR"):
        assert re.search(rf"^Environment=(.* )?{name}=/var/l", unit, re.M), "as the night has it"
    words = shlex.split(service(night.root)["ExecStart"].replace(HOME, str(night.root)))
    words = [word.replace("%i", job) for word in words]
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
    key = LakeLayout(env["S3_INCREMENTAL_PATH"]).job_lease_key()
    before = night.objects("manifests/")
    with Lease.acquire(s3_client(env), env["S3_BUCKET_NAME"], key, owner="run-job sync, run 0b5c"):
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
def test_two_copies_of_the_project_started_by_cron_at_once(
    night: Night, make_checkout: Callable[[Path, dict[str, str]], Path], tmp_path: Path
) -> None:
    """Each has a system database of its own, so Meltano's own guard knows nothing of the other."""
    copies = [make_checkout(tmp_path / name, night.settings) for name in ("one", "two")]
    line = next(c for c in cron_commands(night.root) if c.endswith(" sync"))
    line = line.replace(" sync", " backup")
    commands = [["/bin/sh", "-c", line.replace(HOME, str(copy))] for copy in copies]
    for command in commands:
        done = night.run(command, **CRON)
        assert (done.returncode, done.stdout) == (0, "")
    assert all((copy / ".meltano" / "meltano.db").is_file() for copy in copies)
    told = len(night.alerts)
    running = [night.start(command, **CRON) for command in commands]
    outputs = [process.communicate(timeout=240)[0] for process in running]
    codes = [process.returncode for process in running]
    assert sorted(codes) == [0, 4], outputs
    winner, loser = codes.index(0), codes.index(4)
    assert outputs[winner] == ""
    log = (copies[winner] / "logs" / "backup" / "latest.log").read_text().splitlines()
    (run_id,) = {line["run_id"] for line in map(json.loads, log) if "run_id" in line}
    assert f"run-job backup, run {run_id}" in outputs[loser], "who holds the lease"
    (alert,) = night.alerts[told:]
    assert alert["cause"]["kind"] == "LeaseError"
    assert run_id in alert["text"]

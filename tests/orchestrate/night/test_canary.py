"""Secrets are in no output, log, report, file, process list or object, however a run fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tidemark_sandbox.world import PartName, Sandbox

if TYPE_CHECKING:
    from projects.nights import Night

CANARY = "Kanarienvogel+in/der&Mine%7"
FORMS = {CANARY, quote(CANARY, safe=""), quote(CANARY)}
SECRETS = ("DB_PASSWORD", "S3_SECRET_KEY", "REDSHIFT_PASSWORD", "REDSHIFT_DBT_PASSWORD")


@pytest.fixture(scope="module")
def mine(make_night: Callable[[Path], Night], tmp_path_factory: pytest.TempPathFactory) -> Night:
    return make_night(tmp_path_factory.mktemp("canary"))


@contextmanager
def watching_processes(night: Night, words: set[str]) -> Iterator[list[str]]:
    """Reads the command lines of a night's processes again and again; gives those with a secret.

    Its processes are those with its folder in their environment: other tests work beside it.
    """
    ours = str(night.folder)
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes().decode(errors="replace")
                    environ = path.with_name("environ").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if ours in line + environ and any(word in line for word in words):
                    seen.append(line)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@pytest.mark.security(7)
@pytest.mark.parametrize(
    ("secret", "job"),
    [
        ("DB_PASSWORD", "backup"),
        pytest.param("S3_SECRET_KEY", "backup", marks=pytest.mark.soak),
        pytest.param("REDSHIFT_PASSWORD", "load", marks=pytest.mark.soak),
        pytest.param("REDSHIFT_DBT_PASSWORD", "build", marks=pytest.mark.soak),
    ],
)
def test_a_wrong_secret_is_nowhere_after_the_run_that_it_fails(
    mine: Night, secret: str, job: str
) -> None:
    if job == "load" and not mine.objects("manifests/"):
        assert mine.job("backup").returncode == 0
    right = mine.settings[secret]
    mine.settings |= {secret: CANARY, "DEBUG": "true"}
    try:
        with watching_processes(mine, FORMS) as seen:
            done = mine.job(job)
    finally:
        mine.settings[secret] = right
        del mine.settings["DEBUG"]
    assert done.returncode == 1, done.stdout
    assert not any(form in done.stdout for form in FORMS)
    assert seen == []
    assert mine.files_with(FORMS) == []
    assert mine.objects_with(FORMS) == []
    assert not any(form in str(mine.alerts) for form in FORMS)


@pytest.mark.security(7)
def test_the_right_secrets_are_nowhere_after_runs_that_work(mine: Night) -> None:
    words = {mine.settings[name] for name in SECRETS}
    with watching_processes(mine, words) as seen:
        done = mine.run([mine.run_job, "--env-file", str(mine.env_file), "backup"], DEBUG="true")
    assert done.returncode == 0, done.stdout
    assert seen == []
    assert mine.files_with(words) == []
    assert mine.objects_with(words) == []


@contextmanager
def without(world: Sandbox, part: PartName) -> Iterator[None]:
    world.kill(part)
    try:
        yield
    finally:
        world.up()


@pytest.mark.soak
@pytest.mark.security(7)
@pytest.mark.parametrize("part", ["mariadb", "bastion", "s3", "postgres", "warehouse"])
def test_the_right_secrets_are_nowhere_after_a_run_without_a_part_of_the_world(
    mine: Night, world: Sandbox, part: PartName
) -> None:
    words = {mine.settings[name] for name in SECRETS}
    mine.settings["DEBUG"] = "true"
    try:
        with without(world, part), watching_processes(mine, words) as seen:
            done = mine.job("sync")
    finally:
        del mine.settings["DEBUG"]
    assert done.returncode == 1, done.stdout
    assert seen == []
    assert not any(word in done.stdout + str(mine.alerts) for word in words)
    assert mine.files_with(words) == []
    assert mine.objects_with(words) == []


@pytest.mark.security(22)
def test_what_runs_wrote_is_their_owners_alone(mine: Night) -> None:
    for path in (mine.folder / "sys").rglob("*"):
        assert path.is_symlink() or not path.stat().st_mode & 0o077, path
    assert not (mine.folder / "logs").stat().st_mode & 0o077

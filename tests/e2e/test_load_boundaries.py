"""Whatever takes part in a load is killed at every boundary of its protocol; a rerun mends each."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loading.breaks import BOUNDARIES, pausing_project
from loading.chain import PATIENCE, VICTIMS, Chain
from loading.truth import Backup, Truth
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

#: These run with every change; all of them in the soak. What a kill at a boundary does to the
#: loader itself, its session, its tunnel and S3 is tried without Meltano in target_redshift/.
_QUICK = {("tap", "execute COPY before"), ("meltano", "execute COMMIT after")}
CASES = [
    pytest.param(victim, step, marks=[] if (victim, step) in _QUICK else pytest.mark.soak)
    for victim in VICTIMS
    for step in BOUNDARIES
]
_seeds = count(1)


@pytest.fixture(scope="module")
def backup(sandbox: Sandbox, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """The lake and the warehouse hold what MySQL does."""
    sandbox.seed(1_000, seed=5)
    made = Backup(project.root, project.env, sandbox.env(), tmp_path_factory.mktemp("backup"))
    made.run()
    _load(project)
    return made


def _load(project: Project) -> None:
    done = project.meltano("run", "--force", "load", timeout=PATIENCE)
    assert done.returncode == 0, done.stdout


@pytest.mark.fault(17)
@pytest.mark.fault(18)
@pytest.mark.parametrize(("victim", "step"), CASES)
def test_a_kill_at_a_boundary_loses_no_row_and_loads_none_twice(
    sandbox: Sandbox, project: Project, backup: Backup, tmp_path: Path, victim: str, step: str
) -> None:
    truth = Truth(sandbox, sandbox.env())
    sandbox.change(40, seed=next(_seeds))
    backup.run()
    reached = tmp_path / "reached"
    told = {
        "TIDEMARK_TEST_STEP": step,
        "TIDEMARK_TEST_PAUSE": str(reached),
    }
    command = [str(project.root / ".venv/bin/meltano"), "--env-file", str(project.env_file)]
    # A killed Meltano leaves a guard behind, for five minutes; the leases keep runs apart.
    command += ["run", "--force", "load"]
    log = tmp_path / "chain.log"
    root = pausing_project(project.root, tmp_path / "project")
    chain = Chain(command, root, sandbox, project.env | told, log)
    try:
        deadline = time.monotonic() + PATIENCE
        while not reached.exists():
            assert chain.runs(), log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert chain.strike(victim)
        reached.unlink()
        if victim == "s3":
            time.sleep(0.5)
            sandbox.s3.start()
        chain.wait()
    finally:
        chain.end()
    _load(project)
    truth.check("append-only")
    assert truth.staged() == []

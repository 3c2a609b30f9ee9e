"""Everything that takes part in a load is killed at random moments; one rerun mends each."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loading.chain import PATIENCE, VICTIMS, Chain
from loading.truth import TABLES, Backup, Truth
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

#: With the two methods, a hundred.
MOMENTS = 50


@pytest.mark.soak
@pytest.mark.fault(17)
@pytest.mark.fault(18)
@pytest.mark.parametrize("method", ["append-only", "upsert"])
def test_a_hundred_kills_lose_no_row_and_load_none_twice(
    sandbox: Sandbox,
    project: Project,
    tmp_path: Path,
    method: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(method)
    env = {
        "LOAD_METHOD": method,
        "S3_INCREMENTAL_PATH": f"{method}/incremental/",
        "S3_HIGH_WATERMARK_KEY": f"{method}/watermark/high_watermark.json",
    }
    sandbox.seed(2_000, seed=5)
    for table in (*TABLES, "tidemark_loads"):
        sandbox.warehouse(f"DROP TABLE IF EXISTS landing.{table}")
    access = sandbox.env() | env
    truth = Truth(sandbox, access)
    backup = Backup(project.root, project.env, access, tmp_path)

    def chain_of(log: str) -> Chain:
        command = [str(project.root / ".venv/bin/meltano"), "--env-file", str(project.env_file)]
        # A killed Meltano leaves a guard behind, for five minutes; the leases keep runs apart.
        command += ["run", "--force", "load"]
        return Chain(command, project.root, sandbox, project.env | env, tmp_path / log)

    def load() -> None:
        done = project.meltano("run", "--force", "load", timeout=PATIENCE, **env)
        assert done.returncode == 0, done.stdout

    backup.run()
    load()
    # The moments lie within the lives that the parts have in a load of the size of those below.
    sandbox.change(40, seed=0)
    backup.run()
    chain = chain_of("undisturbed.log")
    lives = chain.lives()
    assert chain.wait() == 0
    rows = truth.check(method)
    hit: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    late = 0
    while sum(hit.values()) < MOMENTS:
        number = sum(hit.values()) + late
        victim = VICTIMS[number % len(VICTIMS)]
        sandbox.change(40, seed=number)
        backup.run()
        chain = chain_of(f"{number:03d}.log")
        delay = chance.uniform(0.0, lives[victim])
        struck = chain.strike_after(victim, delay)
        if struck and victim == "s3":
            time.sleep(chance.uniform(0.0, 2.0))
            sandbox.s3.start()
        code = chain.wait()
        hit[victim] += struck
        late += not struck
        ended["well" if code == 0 else "failed"] += struck
        load()
        rows = truth.check(method)
        assert truth.staged() == []
        print(f"{number}: {victim} after {delay:.2f} s: {struck}, {code}; {rows} rows", flush=True)
        assert late <= MOMENTS, "the moments are no longer within the lives of the parts"
    with capsys.disabled():
        kills = ", ".join(f"{victim} {count}" for victim, count in sorted(hit.items()))
        print(
            f"\n{method}: {sum(hit.values())} kills ({kills}), {late} more came after the end; "
            f"{ended['well']} runs ended well all the same, {ended['failed']} failed; "
            f"after one rerun each, MySQL, lake, ledger and {rows:,} rows in landing agree"
        )
    assert all(hit[victim] for victim in VICTIMS)

"""Jobs, loads and builds from two checkouts at once, beside writers, all of it killed and frozen.

After two clean jobs MySQL, the lake, landing and the public tables agree value by value. The
figures are printed as JSON. ``CHAOS_MINUTES`` says for how long, ``CHAOS_SEED`` repeats the choices
of a run (not its timing).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from chaos.breaks import Breaker
from chaos.runs import BUILDS, JOBS, LEGS, Checkout, Runs
from chaos.truth import Agreement
from chaos.writers import OLD_ROWS, Writers
from tidemark_sandbox.world import Sandbox

MINUTES = float(os.environ.get("CHAOS_MINUTES", "60"))
#: Small files, short leases and waits: so that everything happens often.
SETTINGS = {
    "S3_LEASE_SECONDS": "6",
    "BACKUP_BATCH_SIZE": "200",
    "REDSHIFT_LOCK_TIMEOUT_SECONDS": "120",
    "REDSHIFT_DBT_WHOLE_BUILD_HOURS": "1",
    "LOG_LEVEL": "WARNING",
}


@pytest.fixture
def checkouts(
    sandbox: Sandbox, make_checkout: Callable[[Path, dict[str, str]], Path], tmp_path: Path
) -> list[Checkout]:
    """Two machines, so to say, and somebody who builds by hand on the second."""
    env = {name: os.environ[name] for name in ("PATH", "HOME")} | sandbox.env() | SETTINGS
    env |= {"MELTANO_CLI_DISABLE_VERSION_CHECK": "1", "NO_COLOR": "1"}
    made: list[Checkout] = []
    for name in ("first", "second", "by hand"):
        root = make_checkout(tmp_path / name, env) if name != "by hand" else made[-1].root
        own = {
            "TMPDIR": str(tmp_path / f"tmp {name}"),
            "DBT_PROJECT_DIR": str(root / "transform"),
            "DBT_PROFILES_DIR": str(root / "transform"),
            "DBT_TARGET_PATH": str(tmp_path / f"target {name}"),
            "DBT_LOG_PATH": str(tmp_path / f"logs {name}"),
        }
        Path(own["TMPDIR"]).mkdir()
        made.append(Checkout(root, env | own))
    return made


def chaos(
    sandbox: Sandbox,
    work: Sequence[tuple[Checkout, Mapping[str, int]]],
    folder: Path,
    goes_on: Callable[[Breaker], bool],
    pause: tuple[float, float],
) -> dict[str, object]:
    """Breaks things until it is over, then lets two jobs end and compares.

    Args:
        sandbox: Empty.
        work: What runs at the same time: where, and which kinds how often.
        folder: For the output of runs.
        goes_on: Whether there is more to come.
        pause: Seconds between two strikes: at least, at most.

    Returns:
        The figures.
    """
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))
    print(f"\nCHAOS_SEED={seed}", flush=True)
    chance = random.Random(seed)
    sandbox.seed(OLD_ROWS + 500, seed=chance.randrange(2**32))
    runs = Runs(sandbox, folder)
    breaker = Breaker(sandbox, runs, chance)
    begun = time.monotonic()
    with Writers(sandbox, chance) as writers:
        threads = []
        for checkout, kinds in work:
            own = random.Random(chance.randrange(2**32))
            threads.append(runs.repeat(checkout, kinds, own, lambda: goes_on(breaker)))
        while goes_on(breaker):
            time.sleep(chance.uniform(*pause))
            breaker.strike()
        breaker.thaw()
        for thread in threads:
            thread.join()
    minutes = (time.monotonic() - begun) / 60
    clean = [runs.run(checkout, "run-job sync") for checkout, _ in work[:2]]
    found = Agreement(sandbox, sandbox.env(), writers.deleted).check()
    return {
        "seed": seed,
        "minutes": round(minutes, 1),
        "runs by kind and exit code": {k: dict(c) for k, c in sorted(runs.ended.items())},
        "kills": dict(sorted(breaker.kills.items())),
        "freezes": dict(sorted(breaker.freezes.items())),
        "written in MySQL": dict(writers.done),
        "rows": dict(found.rows),
        "values compared": found.values,
        "clean jobs": clean,
        "differences": len(found.differences),
        "first differences": found.differences[:20],
        "a hand was needed": runs.hands,
    }


def expect_agreement(figures: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\n" + json.dumps(figures, indent=1, default=str), flush=True)
    assert figures["differences"] == 0
    assert figures["clean jobs"] == [0, 0]
    assert figures["a hand was needed"] == []


@pytest.mark.fault(17)
@pytest.mark.fault(107)
@pytest.mark.fault(108)
def test_a_little_chaos(
    sandbox: Sandbox,
    checkouts: list[Checkout],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Six strikes on the first job, beside a build by hand."""

    def goes_on(breaker: Breaker) -> bool:
        return breaker.kills.total() + breaker.freezes.total() < 6

    job, _, by_hand = checkouts
    work = ((job, {"run-job sync": 1}), (by_hand, {"dbt build": 1}))
    expect_agreement(chaos(sandbox, work, tmp_path / "runs", goes_on, (1.0, 3.0)), capsys)


@pytest.mark.soak
@pytest.mark.fault(17)
@pytest.mark.fault(106)
@pytest.mark.fault(107)
@pytest.mark.fault(108)
def test_an_hour_of_chaos(
    sandbox: Sandbox,
    checkouts: list[Checkout],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    over = time.monotonic() + 60 * MINUTES
    work = [*zip(checkouts, (JOBS, LEGS, BUILDS), strict=True)]
    figures = chaos(
        sandbox, work, tmp_path / "runs", lambda _: time.monotonic() < over, (2.0, 20.0)
    )
    expect_agreement(figures, capsys)

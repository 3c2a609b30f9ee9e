"""What the loader stands on breaks under it: its session, its tunnel, S3; one rerun mends all."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from loading.breaks import BOUNDARIES
from processes.proctree import tunnels
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.target_redshift.conftest import Lake, Table

#: These run with every change; all of them in the soak.
_QUICK = {
    ("session", "execute COPY after"),
    ("session", "execute COMMIT before"),
    ("tunnel", "execute COPY before"),
    ("tunnel", "execute COMMIT after"),
    ("s3", "put_object part- before"),
    ("s3", "delete_objects staging before"),
}
CASES = [
    pytest.param(victim, boundary, marks=[] if (victim, boundary) in _QUICK else pytest.mark.soak)
    for victim in ("session", "tunnel", "s3")
    for boundary in BOUNDARIES
]


@pytest.mark.fault(17)
@pytest.mark.parametrize(("victim", "boundary"), CASES)
def test_a_break_at_a_boundary_is_mended_at_once_or_by_a_rerun(
    lake: Lake,
    table: Table,
    state: dict[str, Any],
    watch: Callable[[subprocess.Popen[str]], subprocess.Popen[str]],
    tmp_path: Path,
    victim: str,
    boundary: str,
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    messages = (table.schema(), table.batch(table.write([(2, "b", None), (3, "c", None)])), state)
    reached = tmp_path / "reached"
    environ = {"TIDEMARK_TEST_PAUSE": str(reached)}
    process = watch(lake.start(pause=boundary, environ=environ, **lake.bastion_config))
    assert process.stdin is not None
    process.stdin.write(lake.lines(*messages))
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not reached.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with _broken(victim, lake.sandbox, process.pid):
        reached.unlink()
        time.sleep(0.5)
    out, errors = process.communicate(timeout=120)
    # Either it found a way round by itself, or it said why not; never both, never neither.
    assert (process.returncode, out != "") in {(0, True), (1, False)}, errors
    assert lake.load(*messages) == [state["value"]]
    assert [row[0] for row in table.rows("id")] == [1, 2, 3]
    assert len(table.ledger()) == 2
    assert lake.staged(table) == []


@contextmanager
def _broken(victim: str, sandbox: Sandbox, loader: int) -> Iterator[None]:
    """Breaks a part; what the tests share is whole again afterwards."""
    if victim == "session":
        assert sandbox.warehouse(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'tidemark target-redshift%'",
            user="tidemark_loader",
        )
    elif victim == "tunnel":
        held = tunnels(loader)
        assert held
        for pid in held:
            os.kill(pid, signal.SIGKILL)
    else:
        sandbox.kill("s3")
    try:
        yield
    finally:
        if victim == "s3":
            sandbox.s3.start()

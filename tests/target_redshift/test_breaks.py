"""What the loader stands on breaks under it: its session, its tunnel, S3; one rerun mends all."""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tidemark_core.errors import TidemarkError
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from conftest import Lake, Table

#: As in test_crashes.py: what is sent, and whether the break comes before or after it.
BOUNDARIES = [
    *("put_object part- before", "put_object part- after", "put_object copy.manifest after"),
    *("execute LOCK after", "execute COPY before", "execute COPY after"),
    *("execute INSERT after", "execute COMMIT before", "execute COMMIT after"),
    "delete_objects staging before",
]
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
    monkeypatch: pytest.MonkeyPatch,
    breaks: dict[str, Callable[[], None]],
    victim: str,
    boundary: str,
) -> None:
    lake.load(table.schema(), table.batch(table.write([(1, "a", None)])), state)
    messages = (table.schema(), table.batch(table.write([(2, "b", None), (3, "c", None)])), state)
    struck = []

    def strike() -> None:
        if not struck:
            struck.append(victim)
            breaks[victim]()

    process = runpy.run_path(str(Path(__file__).with_name("process.py")))
    with monkeypatch.context() as patched:
        process["break_at"](boundary, strike, patched.setattr)
        # It may fail, with an error of ours, or find a way round by itself.
        with contextlib.suppress(TidemarkError):
            assert lake.load(*messages, **lake.bastion_config) == [state["value"]]
    assert struck
    assert lake.load(*messages) == [state["value"]]
    assert [row[0] for row in table.rows("id")] == [1, 2, 3]
    assert len(table.ledger()) == 2
    assert lake.staged(table) == []


@pytest.fixture
def breaks(sandbox: Sandbox) -> Iterator[dict[str, Callable[[], None]]]:
    """How each part is broken; what the tests share is whole again afterwards."""
    standing = set(_tunnels(os.getpid()))
    starter: list[threading.Thread] = []

    def end_session() -> None:
        ended = sandbox.warehouse(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'tidemark target-redshift%'",
            user="tidemark_loader",
        )
        assert ended

    def cut_tunnel() -> None:
        mine = [pid for pid in _tunnels(os.getpid()) if pid not in standing]
        assert mine
        for pid in mine:
            os.kill(pid, signal.SIGKILL)

    def stop_s3() -> None:
        sandbox.kill("s3")
        starter.append(threading.Thread(target=lambda: (time.sleep(1), sandbox.s3.start())))
        starter[0].start()

    yield {"session": end_session, "tunnel": cut_tunnel, "s3": stop_s3}
    for thread in starter:
        thread.join()


def _tunnels(pid: int) -> Iterator[int]:
    """The ssh processes below a process; each runs under a small shell."""
    for path in Path("/proc", str(pid), "task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            if Path("/proc", str(child), "comm").read_text() == "ssh\n":
                yield child
            yield from _tunnels(child)

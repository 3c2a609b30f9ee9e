"""A loader that pauses at a step, and the tap before it, which stays for as long as that takes."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest
from loading.breaks import pause, wait_for_the_loader


def test_a_tap_stays_until_the_pause_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, touch = tmp_path / "reached", Path.touch

    def touch_and_rest(path: Path) -> None:
        touch(path)
        time.sleep(0.2)

    monkeypatch.setattr(Path, "touch", touch_and_rest)
    monkeypatch.setenv("TIDEMARK_TEST_PAUSE", str(reached))
    tap, loader = Thread(target=wait_for_the_loader), Thread(target=pause, args=[reached])
    tap.start()
    loader.start()
    while not reached.exists():
        time.sleep(0.01)
    tap.join(0.5)
    assert tap.is_alive()
    reached.unlink()
    tap.join()
    loader.join()

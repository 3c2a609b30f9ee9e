"""The stand-in against the newest recording of a cluster in ``calibration/``, if there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from redshift_stand_in.calibrate import cases
from redshift_stand_in.calibrate.asking.outcome import Outcome
from redshift_stand_in.calibrate.asking.session import Target
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.calibrate.comparing.differences import compare
from redshift_stand_in.calibrate.comparing.recording import Recording, load, newest
from redshift_stand_in.calibrate.whole import identify, plan, record
from redshift_stand_in.corpus import Part

FOLDER = Path(__file__).parents[3] / "calibration"

Ask = Callable[[], Recording]


def breaches(folder: Path, ask: Ask) -> list[str]:
    """The cases in which the stand-in and the newest recording differ and are not known to.

    Known ones stand in a file beside it, a name a line; those that agree by now are breaches too.
    """
    path = newest(folder)
    assert path is not None
    beside = path.with_suffix(".known.txt")
    known = set(beside.read_text("utf-8").splitlines()) if beside.exists() else set[str]()
    return sorted({each.name for each in compare(load(path), ask()).differences} ^ known)


def asking(target: Target, storage: Storage | None, parts: list[Part]) -> Ask:
    """Asks the stand-in of the tests."""

    def ask() -> Recording:
        asked = plan(target, parts, storage)
        recording = Recording(identify(asked))
        record(asked, recording, silent, silent, silent)
        return recording

    return ask


def silent(*_: object) -> None:
    pass


@pytest.mark.skipif(newest(FOLDER) is None, reason="no cluster was recorded")
def test_the_stand_in_answers_as_the_newest_recorded_cluster(
    stand_in: Target, storage: Storage
) -> None:
    assert breaches(FOLDER, asking(stand_in, storage, cases.chosen([], "*", storage=True))) == []


def test_a_recording_that_was_falsified_is_a_breach(stand_in: Target, tmp_path: Path) -> None:
    parts = cases.chosen(["types"], "select i::*", storage=False)
    ask = asking(stand_in, None, parts)
    recording = ask()
    old = replace(recording.server, version="0.9")
    Recording(old, {"types": dict.fromkeys(recording.parts["types"], Outcome("XX000"))}).save(
        tmp_path
    )
    path = recording.save(tmp_path)
    assert breaches(tmp_path, ask) == []

    text = parts[0].cases[0].text
    recording.parts["types"][text] = Outcome("42601", "falsified")
    recording.save(tmp_path)
    assert breaches(tmp_path, ask) == [f"types: {text}"]

    known = path.with_suffix(".known.txt")
    known.write_text(f"types: {text}\n")
    assert breaches(tmp_path, ask) == []
    known.write_text(f"types: {text}\ntypes: which agrees by now\n")
    assert breaches(tmp_path, ask) == ["types: which agrees by now"]

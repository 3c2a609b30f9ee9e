from __future__ import annotations

import shutil
import threading
from pathlib import Path

from tidemark_core.host.walk import walk_files


def test_all_files_are_found_but_those_of_folders_left_out(tmp_path: Path) -> None:
    for name in ("a.sql", "models/b.sql", "models/target/c.sql", "target/run/d.sql"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {path.relative_to(tmp_path).as_posix() for path in walk_files(tmp_path, {"target"})}
    assert found == {"a.sql", "models/b.sql", "models/target/c.sql"}


def test_no_folder_has_no_files(tmp_path: Path) -> None:
    assert list(walk_files(tmp_path / "none")) == []


def test_a_folder_that_goes_meanwhile_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "stays").touch()
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            (tmp_path / "goes" / "deep").mkdir(parents=True)
            (tmp_path / "goes" / "deep" / "file").touch()
            shutil.rmtree(tmp_path / "goes")

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(2_000):
            assert tmp_path / "stays" in set(walk_files(tmp_path))
    finally:
        ended.set()
        other.join()

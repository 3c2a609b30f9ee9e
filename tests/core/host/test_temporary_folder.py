from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tidemark_core.errors import SourceError
from tidemark_core.host.temporary_folder import temporary_folder, writing
from tidemark_core.names import TableName

_HOLD = """
import sys
from tidemark_core.host.temporary_folder import temporary_folder
with temporary_folder("load", sys.argv[1]) as folder:
    (folder / "rows.csv").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.fault(133)
@pytest.mark.security(22)
def test_what_a_killed_process_left_goes_with_the_next_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    folders, processes = [], []
    for _ in range(2):
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        processes.append(process)
        folders.append(Path(process.stdout.readline().strip()))
    killed, alive = processes
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    other = tmp_path / "tidemark-load-00000000-1-1-abcd"
    strange = tmp_path / "tidemark-notes"
    for folder in (other, strange):
        folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    link = folders[0].with_name(folders[0].name + "x")
    link.symlink_to(tmp_path / "elsewhere")
    try:
        assert folders[0].exists()
        with temporary_folder("target", str(tmp_path)) as mine:
            assert mine.stat().st_mode & 0o777 == 0o700
            assert not folders[0].exists(), "its process is no more"
            assert folders[1].exists(), "its process works"
            assert other.exists(), "a process of another machine may live"
            assert strange.exists()
            assert link.is_symlink()
            assert list(mine.iterdir()) == []
        assert not mine.exists()
    finally:
        alive.communicate()


def test_a_full_disk_names_the_folder_and_the_setting(tmp_path: Path) -> None:
    disk = writing(tmp_path, table=TableName("shop", "t"), setting="X_DIR", kind=SourceError)
    with pytest.raises(SourceError) as caught, disk, Path("/dev/full").open("wb") as full:
        full.write(bytes(1 << 20))
    assert f"a file in {tmp_path} cannot be written: No space left" in str(caught.value)
    assert (caught.value.table, "set X_DIR" in str(caught.value)) == ("shop.t", True)

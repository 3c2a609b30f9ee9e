"""Files of JSON lines: a line that is none is counted, never shown, and never fills the memory."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from tidemark_core.errors import LakeError
from tidemark_core.names import TableName
from tidemark_singer.files import local_file

TABLE = TableName("shop", "orders")
GOOD = b'{"ID": 1, "price": 0.10}\n'


@pytest.mark.parametrize("is_gzip", [False, True])
def test_every_line_is_a_record(tmp_path: Path, is_gzip: bool) -> None:
    path = tmp_path / "lines"
    path.write_bytes(gzip.compress(GOOD * 2) if is_gzip else GOOD * 2)
    found = list(local_file.read_records(str(path), TABLE, is_gzip=is_gzip))
    assert found == [{"ID": 1, "price": Decimal("0.10")}] * 2


@pytest.mark.security(10)
@pytest.mark.parametrize(
    "line",
    [b'{"card": 41111111', b'["41111111"]\n', b"41111111\n", b"\xff41111111\n", b"[" * 200_000],
)
def test_a_line_that_is_no_record_is_counted_not_shown(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(GOOD + line)
    with pytest.raises(LakeError, match=r"line 2 of .*lines'.* is not a record") as raised:
        list(local_file.read_records(str(path), TABLE, is_gzip=False))
    assert "41111111" not in str(raised.value)


@pytest.mark.parametrize("keep", [-1, 12, 5])
def test_half_a_compressed_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "lines"
    path.write_bytes(gzip.compress(GOOD)[:keep])
    with pytest.raises(LakeError, match="not a record"):
        list(local_file.read_records(str(path), TABLE, is_gzip=True))


@pytest.mark.fault(132)
def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_file, "_LINE_BYTES", 1 << 20)
    path = tmp_path / "lines"
    path.write_bytes(gzip.compress(b'{"ID": "' + b"x" * (1 << 22)))
    with pytest.raises(LakeError, match=r"line 1 of .* longer than 1 MiB"):
        list(local_file.read_records(str(path), TABLE, is_gzip=True))

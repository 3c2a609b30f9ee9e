"""A part is one compressed stream."""

from __future__ import annotations

from pathlib import Path

import pytest
from isal import isal_zlib
from target_redshift.staging.part_writer import PartWriter


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_part_is_one_stream_of_its_blocks(tmp_path: Path, compression: str) -> None:
    import zstandard

    writer = PartWriter(tmp_path / "part", compression)
    writer.write(b"one\n", 1)
    writer.write(b"two\n", 1)
    writer.close()
    body = (tmp_path / "part").read_bytes()
    if compression == "gzip":
        stream = isal_zlib.decompressobj(wbits=31)
        assert stream.decompress(body) == b"one\ntwo\n"
        assert stream.eof
        assert not stream.unused_data
    else:
        assert zstandard.ZstdDecompressor().decompressobj().decompress(body) == b"one\ntwo\n"
    assert writer.rows == 2

"""Mutated packets end in rows or in an error, and harm nothing."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mysql_arrow
import pyarrow as pa
import pymysql
import pytest
from mysql_arrow.kernel import Code
from mysql_arrow.wire import Wire
from mysql_wire.kernel_fuzz import Sample, fuzz
from mysql_wire.value_kinds import fill, kinds_of
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.mysql_arrow.conftest import Connect


@pytest.fixture
def corpus(sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """What the server sends of rows of every type."""
    seen: list[bytes] = []
    receive = Wire.receive

    def watched(wire: Wire) -> int:
        size = receive(wire)
        seen.append(bytes(wire.buffer[:size]))
        return size

    monkeypatch.setattr(Wire, "receive", watched)
    chance, found = random.Random(1), []
    kinds = [kind for kind in kinds_of(sandbox) if "TEXT" not in kind.sql]
    with closing(connect()) as connection:
        for part in (kinds[:15], kinds[15:28], kinds[28:]):
            fill(connection, part, 20, chance)
            seen.clear()
            answer = mysql_arrow.query(connection, "SELECT * FROM t")
            specs = mysql_arrow.result._specs
            list(answer)
            found.append(Sample(_specs_of(connection, specs), answer.schema.types, b"".join(seen)))
    return found


def _specs_of(connection: pymysql.Connection[Any], specs: Any) -> list[bytes]:
    kept: list[Any] = []

    def watched(definitions: Any, schema: pa.Schema) -> Any:
        kept.extend(specs(definitions, schema))
        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mysql_arrow.result, "_specs", watched)
        list(mysql_arrow.query(connection, "SELECT * FROM t LIMIT 0"))
    return [bytes(each) for each in kept]


@pytest.mark.fault(165)
def test_mutated_packets_end_in_rows_or_in_an_error(corpus: list[Sample]) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    ends = fuzz(corpus, seed, 1500)
    assert ends[Code.END] > 100
    assert len([code for code in ends if code < 0]) > 4


@pytest.mark.soak
@pytest.mark.fault(165)
def test_mutated_packets_do_no_harm_under_sanitizers(
    corpus: list[Sample], project_root: Path, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    library = tmp_path / "_mysql_arrow_kernel.so"
    subprocess.run(
        ["gcc", "-std=c11", "-g", "-O1", "-fPIC", "-shared", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", project_root / "plugins/mysql-arrow/mysql_arrow/kernel.c",
         "-o", library],
        check=True,
    )  # fmt: skip
    asan = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (tmp_path / "corpus").write_bytes(pickle.dumps(corpus))
    folders = [str(tmp_path), str(project_root / "tests" / "harness")]
    # Arrow's own pool, so that what Python and Arrow keep at their end is no leak of ours.
    environment = {"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0",
                   "PYTHONPATH": os.pathsep.join(folders), "PYTHONMALLOC": "malloc"}  # fmt: skip
    program = project_root / "tests" / "harness" / "mysql_wire" / "kernel_fuzz.py"
    done = subprocess.run(
        [sys.executable, program, tmp_path / "corpus", str(seed), "15000"],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]

"""Mutated packets into the kernel: ``kernel_fuzz.py CORPUS SEED COUNT`` (under sanitizers, too)."""

from __future__ import annotations

import pickle
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from mysql_arrow.kernel import Code, ColumnSpec, Kernel
from mysql_arrow.result import _array

#: Bytes that mean something to the protocol.
_WORDS = (b"\0", b"\xff", b"\xfe", b"\xfb", b"\xfc\xff\xff", b"\xff\xff\xff", b"\xfe" + b"\xff" * 8)


@dataclass(frozen=True)
class Sample:
    """The rows of a result as a server sent them.

    Attributes:
        specs: How the columns are read, each as bytes.
        types: Their Arrow types.
        data: Packets, from the first row on.
    """

    specs: list[bytes]
    types: list[pa.DataType]
    data: bytes


def fuzz(corpus: list[Sample], seed: int, count: int) -> dict[int, int]:
    """Feeds mutated samples, cut anywhere, and checks the arrays that come of them.

    Returns:
        How often a result ended with which `Code`.
    """
    chance = random.Random(seed)
    ends: dict[int, int] = {}
    for _ in range(count):
        sample = chance.choice(corpus)
        code = feed(sample, mutated(sample.data, chance), chance)
        ends[code] = ends.get(code, 0) + 1
    return ends


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A sample with a few bytes changed, removed or put in; the packets' lengths may stay true."""
    made = bytearray(data)
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        at = chance.randrange(len(made) + 1)
        word = chance.choice((*_WORDS, chance.randbytes(chance.randrange(1, 9))))
        how = chance.randrange(4)
        if how == 0:
            made[at : at + len(word)] = word
        elif how == 1:
            made[at:at] = word
        elif how == 2:
            del made[at : at + chance.choice((1, 4, 1000))]
        else:
            made[at : at + 1] = bytes([chance.randrange(256)])
    return bytes(made)


def feed(sample: Sample, data: bytes, chance: random.Random) -> int:
    """Gives the kernel some bytes piece by piece, each in memory of its own size."""
    first = data[3] if len(data) > 3 and chance.random() < 0.9 else 0
    specs = [ColumnSpec.from_buffer_copy(spec) for spec in sample.specs]
    kernel = Kernel(specs, chance.choice((1, 100, 10**6)), first)
    at = 0
    while at < len(data):
        piece = data[at : at + chance.choice((1, 3, 50, len(data)))]
        at += len(piece)
        code = int(Code.BATCH)
        while code == Code.BATCH:
            held = pa.py_buffer(bytes(piece))
            code, used = kernel.feed(held.address, len(piece), chance.choice((1, 3, 1000)))
            piece = piece[used:]
            if code in (Code.BATCH, Code.END) and (batch := kernel.take()):
                for number, kind in enumerate(sample.types):
                    batch.changed(number)
                    _array(batch, number, kind).validate(full=True)
        if code != Code.MORE:
            return code
    return int(Code.MORE)


if __name__ == "__main__":
    print(fuzz(pickle.loads(Path(sys.argv[1]).read_bytes()), int(sys.argv[2]), int(sys.argv[3])))

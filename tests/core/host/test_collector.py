"""What a program imports is no work for Python's collector; what it makes is, as ever."""

from __future__ import annotations

import subprocess
import sys

_BY_HAND = """
import gc, sys, weakref
from tidemark_core.host.collector import lasting_imports

class Node: pass

def circle():
    node = Node()
    node.itself = node
    return weakref.ref(node)

with lasting_imports():
    assert not gc.isenabled()
    kept = circle()
assert gc.isenabled()
assert gc.get_freeze_count()
gone = circle()
gc.collect()
assert kept() is not None
assert gone() is None
try:
    with lasting_imports():
        import no_such_module
except ImportError:
    assert gc.isenabled()
"""
_AT_THE_END = """
import atexit, gc
# Handlers run in the order opposite to that in which they come.
atexit.register(lambda: print(gc.get_freeze_count() > before))
from tidemark_core.host.collector import lasting_imports
with lasting_imports():
    import json
before = gc.get_freeze_count()
held = [[] for _ in range(1000)]
"""


def said(code: str) -> str:
    """What a process of its own prints: what is frozen here would stay so for other tests."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout


def test_what_is_imported_is_spared_and_what_is_made_is_collected() -> None:
    assert said(_BY_HAND) == ""


def test_nothing_is_walked_at_the_end() -> None:
    assert said(_AT_THE_END) == "True\n"

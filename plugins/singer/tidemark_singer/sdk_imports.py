"""The SDK's imports, without those that none of our plugins uses.

joblib (and NumPy with it) drains sinks in several threads, UPath writes batch files of the SDK
itself, Requests and the two kinds of streams read from web services: up to a quarter of a second of
CPU and 10 MB per start. They are imported when they are first called.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from tidemark_core.host.collector import lasting_imports

_STREAMS = ("singer_sdk.streams.rest", "singer_sdk.streams.graphql")
_LATE = ("joblib", "requests", "upath", *_STREAMS)


@contextmanager
def sdk_imports() -> Iterator[None]:
    """Imports a plugin and the SDK, which stay until the program ends.

    Modules imported before stay as they are, and code that imports joblib, Requests or UPath
    afterwards gets the real ones.
    """
    late = {name: _Late(name) for name in _LATE if name not in sys.modules}
    sys.modules.update(late)
    try:
        with lasting_imports():
            yield
    finally:
        for name in late:
            del sys.modules[name]


class _Late(ModuleType):
    """A module of which only functions and classes are used, and only to call them."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of every module
            raise AttributeError(name)

        def call(*arguments: Any, **options: Any) -> Any:
            return getattr(import_module(self.__name__), name)(*arguments, **options)

        return call

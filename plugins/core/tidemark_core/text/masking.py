"""Keeps secrets out of what a process writes, whatever wrote it.

Our own code prints no secret. This is the second line of defence: the values of settings that are
declared secret are replaced in everything that goes through Python's standard streams, messages of
libraries and tracebacks included.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import TextIO
from urllib.parse import quote, quote_plus

MASK = "***"
#: Shorter values would also hit ordinary words.
_SHORTEST = 6
#: Variables that hold secrets by their name, those of other programs too.
_SECRET_NAME = re.compile(r"(^|_)(PASSWORD|PASSWD|SECRET|SECRET_KEY|SECRET_ACCESS_KEY|TOKEN)$")


class Mask:
    """The values that must not be seen, in every form in which they may be written."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Takes in more values; short ones are left alone."""
        forms = {form for value in values if len(value) >= _SHORTEST for form in _forms(value)}
        with self._lock:
            if forms <= self._forms:
                return
            self._forms |= forms
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        """Gives the text with every secret in it replaced."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(value: str) -> set[str]:
    """A value as it is, in JSON, in a URL, and as ``repr`` shows it."""
    in_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {value, quote(value, safe=""), quote(value), quote_plus(value), repr(value)[1:-1]} | (
        in_json
    )


class MaskedStream:
    """A text stream that writes through a mask; in all else the stream that it wraps."""

    def __init__(self, stream: TextIO, mask: Mask) -> None:
        self._stream = stream
        self._mask = mask

    def write(self, text: str) -> int:
        self._stream.write(self._mask(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


#: What this process masks; `tidemark_core.settings.resolve` adds every secret that it reads.
SECRETS = Mask()


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The values of variables that hold secrets by their name."""
    return [value for name, value in environ.items() if _SECRET_NAME.search(name) and value]


def guard_stderr(environ: Mapping[str, str]) -> None:
    """Lets standard error write through the mask from now on; once is enough.

    Loggers keep the stream that they were given, so this comes before they are set up.
    """
    SECRETS.add(secrets_of(environ))
    if not isinstance(sys.stderr, MaskedStream):
        sys.stderr = MaskedStream(sys.stderr, SECRETS)

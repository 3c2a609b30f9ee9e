"""Makes untrusted text safe for a terminal: control characters are escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: C0, DEL and C1 (ECMA-48), line and paragraph separators, and Unicode's bidirectional controls
#: (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_BUT_NEWLINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


def printable(text: str) -> str:
    r"""The text in one line, control characters as ``\x1b`` and ``\u202e``."""
    return _CONTROL.sub(_spelled, text)


def printable_lines(text: str, indent: str = "") -> str:
    """The text with its line breaks, all lines but the first indented.

    A log's line begins with a time: an indented one cannot be taken for another.
    """
    return _BUT_NEWLINES.sub(_spelled, text).replace("\n", f"\n{indent}")


def key_text(values: Mapping[str, object]) -> str | None:
    """A row's key as messages show it, ``a=1, b='x '``; None without a column.

    A text whose end cannot be seen is quoted.
    """
    return ", ".join(f"{name}={_shown(value)}" for name, value in values.items()) or None


def _shown(value: object) -> str:
    plain = not isinstance(value, str) or (value.isprintable() and value == value.strip())
    return str(value) if plain else repr(value)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

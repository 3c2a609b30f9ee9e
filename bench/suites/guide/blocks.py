"""The blocks of code on a page of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import dedent

_HEADING_OR_BLOCK = re.compile(
    r"^#+ (?P<title>[^<\n]*)|^ *```[^\n]*\n(?P<code>.*?)^ *```", re.M | re.S
)
#: What the guide calls a section that shows a command's forms, and no example.
_FORMS = re.compile(r"Syntax|Synopsis")


def blocks(page: str) -> Iterator[str]:
    """The texts of the blocks between fences, without those of sections named Syntax."""
    title = ""
    for match in _HEADING_OR_BLOCK.finditer(page):
        if match["code"] is None:
            title = match["title"]
        elif not _FORMS.match(title):
            yield dedent(match["code"])

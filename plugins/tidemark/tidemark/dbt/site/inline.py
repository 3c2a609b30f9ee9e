"""Single-file pages: data put into a script, and a policy that allows only their own scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html.parser import HTMLParser

#: No request of any kind is allowed. AngularJS compiles its templates by ``Function``.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-eval' {scripts}; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)


def inlined(page: str, data: Mapping[str, str]) -> str:
    r"""Puts JSON documents into a page's script.

    A name in them may be ``</script>``, which would end the script wherever it stands: ``<`` is
    written as ``\u003c``, the same character to a reader of JSON or JavaScript.

    Args:
        page: The page, with placeholders for the documents.
        data: JSON texts by placeholder.

    Raises:
        ValueError: The page lacks a placeholder.
    """
    for word, text in data.items():
        if word not in page:
            raise ValueError(f"the page has no {word}")
        page = page.replace(word, text.replace("<", "\\u003c"))
    return page


def guarded(page: str) -> str:
    """The page with a content security policy by which its own scripts run, and no others.

    Raises:
        ValueError: The page has no head, or a script from elsewhere.
    """
    scripts = _Scripts()
    scripts.feed(page)
    scripts.close()
    head, tag, rest = page.partition("<head>")
    if not tag:
        raise ValueError("the page has no <head>")
    policy = _POLICY.format(scripts=" ".join(dict.fromkeys(map(_source, scripts.texts))))
    return f'{head}{tag}<meta http-equiv="Content-Security-Policy" content="{policy}">{rest}'


def _source(script: str) -> str:
    """How the policy names a script: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    digest = hashlib.sha256(script.replace("\r\n", "\n").replace("\r", "\n").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class _Scripts(HTMLParser):
    """Collects the texts of a page's scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: list[str] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            if dict(attrs).get("src"):
                raise ValueError(f"the page has a script of {dict(attrs)['src']}")
            self.texts.append("")
            self._is_open = True

    def handle_endtag(self, tag: str) -> None:
        self._is_open = self._is_open and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._is_open:
            self.texts[-1] += data

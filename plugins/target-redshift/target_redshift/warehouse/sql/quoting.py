"""Names and literals, quoted as Redshift reads them."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark_core.names import quote_redshift


def literal(text: str) -> str:
    """A string literal; Redshift reads a backslash in one as an escape, so it is doubled."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def listed(names: Iterable[str]) -> str:
    """Names, quoted, with commas between them."""
    return ", ".join(map(quote_redshift, names))

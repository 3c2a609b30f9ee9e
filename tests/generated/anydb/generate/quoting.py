"""SQL text for MySQL."""

from __future__ import annotations


def name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def text(value: str) -> str:
    """A text literal that no sql_mode reads in another way."""
    return f"_utf8mb4 X'{value.encode().hex()}'" if value else "''"


def octets(value: bytes) -> str:
    return f"X'{value.hex()}'" if value else "''"

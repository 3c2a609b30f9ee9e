"""The text of PostgreSQL's parse trees (``pg_node_tree``), as dictionaries and lists."""

from __future__ import annotations

import re
from typing import Any

#: It has its name under the key NAME, which no field has, and its fields under theirs.
Node = dict[str, Any]
NAME = ""
_TOKEN = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+", re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)


def parse(text: str) -> Any:
    """Reads a tree.

    Returns:
        A dictionary for a node, a list for a list; else the text as it is written, and a list of
        texts for a value of several words.

    Raises:
        ValueError: it is not a tree.
    """
    tokens = _TOKEN.findall(text)
    value, behind = _value(tokens, 0)
    if behind != len(tokens):
        raise ValueError("not a parse tree")
    return value


def unescaped(text: str) -> str:
    """A name as it was, of a text in a tree."""
    return _ESCAPED.sub(r"\1", text)


def _value(tokens: list[str], at: int) -> tuple[Any, int]:
    if at >= len(tokens) or tokens[at] in (")", "}"):
        raise ValueError("a parse tree ends too early")
    if tokens[at] == "(":
        return _list(tokens, at + 1)
    if tokens[at] == "{":
        return _node(tokens, at + 1)
    return tokens[at], at + 1


def _list(tokens: list[str], at: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while tokens[at : at + 1] != [")"]:
        item, at = _value(tokens, at)
        items.append(item)
    return items, at + 1


def _node(tokens: list[str], at: int) -> tuple[Node, int]:
    node: Node = {NAME: tokens[at]}
    at += 1
    while tokens[at : at + 1] != ["}"]:
        name, at = _value(tokens, at)
        values: list[Any] = []
        while at < len(tokens) and tokens[at] != "}" and not tokens[at].startswith(":"):
            value, at = _value(tokens, at)
            values.append(value)
        node[name[1:]] = values[0] if len(values) == 1 else values
    return node, at + 1

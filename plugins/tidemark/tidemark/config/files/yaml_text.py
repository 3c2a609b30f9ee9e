"""Changes to a YAML file that leave all other characters of it as they are. Pure.

PyYAML reports where each node begins and ends; only what changes is cut out and replaced there.
Nothing else is written again, so comments, quotes and style stay as their author chose them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from tidemark_core.errors import ConfigError

#: Text that needs no quotes in any place, and is a string to every reader of YAML.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[-./][A-Za-z0-9_]+)*(?:\.\*)?")
#: Characters that YAML allows in no file, or takes for the end of a line.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
Path = Sequence[str | int]


def scalar(value: object, *, plain: re.Pattern[str] = _PLAIN) -> str:
    """A text, number or truth value as YAML, in one line."""
    if isinstance(value, str):
        bare = plain.fullmatch(value) and value.lower() not in _WORDS
        quoted = json.dumps(value, ensure_ascii=False)
        return value if bare else _UNPRINTABLE.sub(lambda c: f"\\u{ord(c[0]):04x}", quoted)
    return json.dumps(value)


def flow(value: object) -> str:
    """A value in one line: ``{name: id, data_tests: [unique, not_null]}``."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def block(value: object, indent: int = 0) -> str:
    """A value over several lines: mappings are expanded, list items and scalars take one each.

    Each line begins with ``indent`` blanks.
    """
    margin = " " * indent
    if isinstance(value, Mapping):
        return "".join(
            f"{margin}{scalar(key)}:{_below(item, indent)}" for key, item in value.items()
        )
    if isinstance(value, list | tuple):
        return "".join(f"{margin}- {flow(item)}\n" for item in value)
    return f"{margin}{scalar(value)}\n"


def _below(value: object, indent: int) -> str:
    if isinstance(value, Mapping) and value:
        return "\n" + block(value, indent + 2)
    return f" {flow(value)}\n"


@dataclass
class YamlText:
    """A YAML file, and what is to be changed in it.

    Attributes:
        text: As it is.
        name: The file's, for errors.
    """

    text: str
    name: str
    _edits: list[tuple[int, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            self._root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            text = f"{self.name} is not valid YAML: {error}"
            raise ConfigError(text, hint="correct it") from error

    def node(self, path: Path) -> yaml.Node | None:
        """The node at a path of keys and indexes; None if there is none."""
        found = self._root
        for step in path:
            if isinstance(found, yaml.MappingNode):
                found = next((v for k, v in found.value if k.value == step), None)
            elif isinstance(found, yaml.SequenceNode) and isinstance(step, int):
                found = found.value[step] if step < len(found.value) else None
            else:
                return None
        return found

    def replace(self, path: Path, value: object) -> None:
        """Replaces a value by another, in one line."""
        node = self._there(path)
        self._edits.append((node.start_mark.index, self._end(node), flow(value)))

    def put(self, path: Path, key: str, value: object) -> None:
        """Sets a key of a mapping: in its place if it is there, else behind the last one."""
        node = self._there(path)
        if self.node([*path, key]) is not None:
            self.replace([*path, key], value)
        else:
            pair = f"{scalar(key)}:{_below(value, _column(node))}"
            self._append(node, [pair] if _is_block(node) else [f"{scalar(key)}: {flow(value)}"])

    def append(self, path: Path, texts: Iterable[str]) -> None:
        """Appends items, each written as YAML in one line, to a list."""
        self._append(self._there(path), [f"- {text}\n" for text in texts])

    def fill(self, path: Path, key: str, value: list[Any] | dict[str, Any]) -> None:
        """Makes a list or mapping hold these entries and no others.

        Entries that it has already stay where and as they are; new ones follow them.

        Args:
            path: Of the mapping that holds it.
            key: Its key there; made if missing.
            value: Texts, or mappings of texts by name.
        """
        node = self.node([*path, key])
        if node is None:
            self.put(path, key, value)
            return
        have = _plain(node)
        if have == value:
            return
        if not _is_block(node) or not have:
            self._replace_whole(path, node, value)
            return
        kept = self._remove_others(node, have, value)
        if not kept:
            self._empty(path, key, node, value)
            return
        if isinstance(value, list):
            new = [f"- {flow(item)}\n" for item in value if item not in have]
        else:
            new = [
                f"{scalar(name)}:{_below(item, _column(node))}"
                for name, item in value.items()
                if have.get(name) != item
            ]
        self._insert(self._next_line(kept[-1]), new, _column(node))

    def result(self) -> str:
        """The text with all changes."""
        text = self.text
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2], reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _end(self, node: yaml.Node) -> int:
        """Where a node's own text ends; a block's end mark is after the comments that follow it."""
        if _is_block(node) and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        return len(self.text[: node.end_mark.index].rstrip("\n"))

    def _next_line(self, node: yaml.Node) -> int:
        return self._line_end(self._end(node))

    def _line_end(self, index: int) -> int:
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def _there(self, path: Path) -> yaml.Node:
        node = self.node(path)
        if node is None:
            raise ConfigError(
                f"{self.name} has no {'.'.join(map(str, path))}",
                hint=f"bring it back: git checkout {self.name}",
            )
        return node

    def _remove_others(self, node: yaml.Node, have: Any, value: Any) -> list[yaml.Node]:
        """Cuts out the entries that are not to stay; returns the last node of each that stays."""
        kept = []
        for entry, same in _entries(node, have, value):
            first, last = entry
            if same:
                kept.append(last)
            else:
                start = self.text.rfind("\n", 0, first.start_mark.index) + 1
                self._edits.append((start, self._next_line(last), ""))
        return kept

    def _empty(self, path: Path, key: str, node: yaml.Node, value: Any) -> None:
        """Fills a list or mapping whose entries were all cut out: with new ones, or as empty."""
        (name,) = (own for own, _ in self._there(path).value if own.value == key)
        colon = self.text.index(":", name.end_mark.index) + 1
        if value:
            self._insert(self._line_end(colon), _lines(value, _column(node)), _column(node))
        else:
            self._edits.append((colon, colon, " []" if isinstance(value, list) else " {}"))

    def _replace_whole(self, path: Path, node: yaml.Node, value: Any) -> None:
        """Replaces a list or mapping that is empty or in brackets by one written line by line."""
        parent = self._there(path)
        if not _is_block(parent):
            self._edits.append((node.start_mark.index, self._end(node), flow(value)))
            return
        column = _column(parent) + (0 if isinstance(value, list) else 2)
        margin = " " * column
        text = "".join(f"\n{margin}{line.rstrip()}" for line in _lines(value, column))
        start = node.start_mark.index
        while self.text[start - 1] == " ":
            start -= 1
        self._edits.append((start, self._end(node), text if value else f" {flow(value)}"))

    def _append(self, node: yaml.Node, entries: list[str]) -> None:
        """Adds entries after the last one: as lines of a block, or between the brackets."""
        if _is_block(node):
            self._insert(self._next_line(node), entries, _column(node))
        else:
            end = self._end(node) - 1
            told = ", ".join(entry.removeprefix("- ").strip() for entry in entries)
            self._edits.append((end, end, (", " if node.value else "") + told))

    def _insert(self, place: int, lines: Sequence[str], column: int) -> None:
        before = "" if place == 0 or self.text[place - 1] == "\n" else "\n"
        margin = " " * column
        self._edits.append((place, place, before + "".join(margin + line for line in lines)))


def _lines(value: Any, column: int) -> list[str]:
    if isinstance(value, list):
        return [f"- {flow(item)}\n" for item in value]
    return [f"{scalar(name)}:{_below(item, column)}" for name, item in value.items()]


def _entries(
    node: yaml.Node, have: Any, value: Any
) -> list[tuple[tuple[yaml.Node, yaml.Node], bool]]:
    """First and last node of each entry, and whether it stays."""
    if isinstance(node, yaml.MappingNode):
        return [
            ((key, item), key.value in value and value[key.value] == have[key.value])
            for key, item in node.value
        ]
    return [((item, item), own in value) for item, own in zip(node.value, have, strict=True)]


def _plain(node: yaml.Node) -> Any:
    """The value that a node stands for."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node) or (
            [] if isinstance(node, yaml.SequenceNode) else {}
        )
    finally:
        loader.dispose()


def _is_block(node: yaml.Node) -> bool:
    return not node.flow_style if isinstance(node, yaml.CollectionNode) else False


def _column(node: yaml.Node) -> int:
    """Where the entries of a list or mapping begin in their lines."""
    return int(node.start_mark.column)

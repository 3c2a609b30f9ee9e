"""Only what has to change in a YAML file does."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tidemark.config.files.yaml_text import YamlText, block, flow, scalar
from tidemark_core.errors import ConfigError

FILE = """\
# above
plugins:
  extractors:
  - name: tap   # beside
    # before the list
    select:
    - a.*
    # before b
    - 'b.*'     # of b
    - c.*

    # behind the list
    metadata:
      a: {how: FULL}
      b:
        how: INC
        key: id  # of the key
    settings: [x, y]
"""
PLACE = ["plugins", "extractors", 0]
TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable())
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def filled(text: str, key: str, value: object) -> str:
    file = YamlText(text, "x.yml")
    file.fill(PLACE, key, value)  # type: ignore[arg-type]
    return file.result()


@given(VALUES)
def test_every_value_is_written_as_itself(value: object) -> None:
    assert yaml.safe_load(flow(value)) == value
    if isinstance(value, dict):
        assert yaml.safe_load(block({"top": value})) == {"top": value}


@pytest.mark.parametrize("word", ["yes", "NO", "on", "null", "~", "1", "1.5", "2024-01-01", "a: b"])
def test_what_yaml_would_take_for_something_else_is_quoted(word: str) -> None:
    assert yaml.safe_load(scalar(word)) == word


@given(
    st.lists(TEXTS, max_size=4, unique=True),
    st.dictionaries(TEXTS, st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=2), max_size=3),
)
def test_lists_and_mappings_become_what_is_asked_and_comments_stay(
    select: list[str], metadata: dict[str, dict[str, str]]
) -> None:
    text = FILE
    # There, to nothing, and back: the empty forms are written and read too.
    for wanted in ((select, metadata), ([], {}), (select, metadata)):
        text = filled(filled(text, "select", wanted[0]), "metadata", wanted[1])
        found = yaml.safe_load(text)["plugins"]["extractors"][0]
        assert (found["select"], found["metadata"]) == (wanted[0], wanted[1])
        assert (found["name"], found["settings"]) == ("tap", ["x", "y"])
    for comment in ("# above", "# beside", "# before the list", "# before b", "# behind the list"):
        assert comment in text


def test_what_stays_stays_as_it_is_written() -> None:
    assert filled(FILE, "select", ["a.*", "b.*", "c.*"]) == FILE
    text = filled(FILE, "select", ["b.*", "d.*"])
    assert "    # before b\n    - 'b.*'     # of b\n    - d.*\n\n    # behind" in text
    text = filled(FILE, "metadata", {"b": {"how": "INC", "key": "id"}, "c": {"how": "FULL"}})
    assert "        key: id  # of the key\n      c:\n        how: FULL\n    settings" in text


def test_a_comment_with_a_colon_and_a_parent_in_brackets_are_no_trouble() -> None:
    text = "a:\n  list:\n  # why: because\n  - x\nb: {meta: {x: 1}, c: 2}\n"
    file = YamlText(text, "x.yml")
    file.fill(["a"], "list", [])
    file.fill(["b"], "meta", {"k": "z"})
    assert file.result() == "a:\n  list: []\n  # why: because\nb: {meta: {k: z}, c: 2}\n"


def test_a_single_value_is_put_in_its_place() -> None:
    text = "columns:\n  - {name: a, type: int}\n  - name: b  # said\n    type: text\nlast: 1"
    file = YamlText(text, "x.yml")
    file.put(["columns", 0], "type", "bigint")
    file.put(["columns", 1], "type", "varchar(9)")
    file.put(["columns", 0], "quote", True)
    file.append(["columns"], ["{name: c}"])
    file.put([], "more", {"x": 1})
    assert file.result() == (
        "columns:\n  - {name: a, type: bigint, quote: true}\n  - name: b  # said\n"
        '    type: "varchar(9)"\n  - {name: c}\nlast: 1\nmore:\n  x: 1\n'
    )


def test_what_is_no_yaml_is_named() -> None:
    with pytest.raises(ConfigError, match=r"x\.yml is not valid YAML"):
        YamlText("a: [", "x.yml")
    with pytest.raises(ConfigError, match=r"x\.yml has no a\.b"):
        YamlText("a: {}", "x.yml").replace(["a", "b"], 1)


@given(st.text(max_size=20))
def test_any_text_is_one_line(text: str) -> None:
    assert len(scalar(text).splitlines()) == 1
    assert yaml.safe_load(scalar(text)) == text

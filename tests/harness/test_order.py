"""The longest files first, or all of them in an order that a seed gives."""

from __future__ import annotations

from pathlib import Path

from order import LONGEST, ordered

FILES = [f"tests/test_{number}.py" for number in range(20)]


def test_the_longest_come_first_and_the_rest_stays_as_it_is() -> None:
    assert ordered([*FILES, LONGEST[1], LONGEST[0]], None) == [LONGEST[0], LONGEST[1], *FILES]


def test_a_seed_gives_one_order_whatever_order_the_files_were_found_in() -> None:
    first = ordered(FILES, "1")
    assert sorted(first) == sorted(FILES)
    assert first == ordered(reversed(FILES), "1")
    assert first != ordered(FILES, "2")


def test_the_longest_files_are_there(project_root: Path) -> None:
    assert [name for name in LONGEST if not (project_root / name).is_file()] == []

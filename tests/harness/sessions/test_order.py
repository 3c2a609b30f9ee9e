"""The longest files first, or all of them in an order that a seed gives."""

from __future__ import annotations

from pathlib import Path

from sessions.order import LONGEST, OWN_SANDBOX, TOGETHER, ordered, unit_of_work

FILES = [f"tests/test_{number}.py" for number in range(20)]


def test_the_longest_come_first_and_the_rest_stays_as_it_is() -> None:
    assert ordered([*FILES, LONGEST[1], LONGEST[0]], None) == [LONGEST[0], LONGEST[1], *FILES]


def test_a_seed_gives_one_order_whatever_order_the_files_were_found_in() -> None:
    first = ordered(FILES, "1")
    assert sorted(first) == sorted(FILES)
    assert first == ordered(reversed(FILES), "1")
    assert first != ordered(FILES, "2")


def test_the_longest_files_are_there(project_root: Path) -> None:
    assert [name for name in (*LONGEST, *OWN_SANDBOX) if not (project_root / name).is_file()] == []


def test_a_worker_takes_a_file_or_all_that_belong_together() -> None:
    assert unit_of_work("tests/test_1.py::test_one[a::b]") == "tests/test_1.py"
    for group in (TOGETHER, OWN_SANDBOX):
        (unit,) = {unit_of_work(f"{name}::test_one") for name in group}
        assert unit not in group

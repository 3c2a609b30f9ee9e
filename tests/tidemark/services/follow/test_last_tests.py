"""When a follower tests its tables again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tidemark.services.follow.last_tests import LastTests
from tidemark_core.names import TableName

pytestmark = pytest.mark.unit
A, B = TableName("shop", "a"), TableName("shop", "b")


def test_tests_are_due_once_an_hour_also_across_a_restart(tmp_path: Path) -> None:
    file, now = tmp_path / "follow" / "tests-passed", [0.0]
    tests = LastTests(file, [A], lambda: now[0])
    assert tests.are_due, "they never ran"
    tests.passed()
    now[0] = file.stat().st_mtime + 1
    assert not tests.are_due
    assert not LastTests(file, [A], lambda: now[0]).are_due
    now[0] += 3_600
    assert tests.are_due


def test_a_clock_that_was_set_back_puts_no_test_off(tmp_path: Path) -> None:
    file = tmp_path / "tests-passed"
    tests = LastTests(file, [A], lambda: 1_000.0)
    tests.passed()
    os.utime(file, (5_000, 5_000))
    assert tests.are_due


def test_what_another_follower_tested_puts_no_test_of_other_tables_off(tmp_path: Path) -> None:
    file = tmp_path / "tests-passed"
    LastTests(file, [A]).passed()
    assert not LastTests(file, [A]).are_due
    assert LastTests(file, [A, B]).are_due
    assert LastTests(file, [B]).are_due
    LastTests(file, [B, A]).passed()
    assert not LastTests(file, [B]).are_due

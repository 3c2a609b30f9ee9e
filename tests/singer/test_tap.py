"""A damaged state is named one."""

from __future__ import annotations

import io

import pytest
from tidemark_core.errors import StateError
from tidemark_singer.tap import read_state


@pytest.mark.fault(20)
def test_a_state_nested_without_end_is_a_damaged_one() -> None:
    with pytest.raises(StateError, match="not Singer state"):
        read_state(io.StringIO("[" * 100_000))
